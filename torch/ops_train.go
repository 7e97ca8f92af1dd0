package torch

// #include "lt.h"
import "C"

import (
	"fmt"
	"slices"
)

// What training needs beside layers: losses, noise, and the optimiser. Nothing
// here reads a number back from the device.

var (
	opDropout      = operator("aten::dropout", "")
	opBernoulli    = operator("aten::bernoulli_", "float")
	opNewEmpty     = operator("aten::new_empty", "")
	opBCE          = operator("aten::binary_cross_entropy_with_logits", "")
	opDetach       = operator("aten::detach", "")
	opStack        = operator("aten::stack", "")
	opForeachNorm  = operator("aten::_foreach_norm", "Scalar")
	opVectorNorm   = operator("aten::linalg_vector_norm", "")
	opForeachScale = operator("aten::_foreach_mul_", "Tensor")
	opReciprocal   = operator("aten::reciprocal", "")
	opClampMax     = operator("aten::clamp_max", "")
	opFusedAdamW   = operator("aten::_fused_adamw_", "")
	opMulInPlace   = operator("aten::mul_", "Tensor")
	opDivScalarIn  = operator("aten::div_", "Scalar")
	opAddScalarIn  = operator("aten::add_", "Scalar")
	opSubInPlace   = operator("aten::sub_", "Tensor")
	opIsFinite     = operator("aten::isfinite", "")
	opLogicalNot   = operator("aten::logical_not", "")
)

// BatchNormTraining normalizes x [N C ...] with the mean and variance of each
// channel in the batch and applies weight and bias [C]. It moves the running mean
// and variance [C] in place by a tenth of the way, PyTorch's default; the running
// variance is that of a sample, with N−1. Without mean and variance, nil, it moves
// nothing.
//
// One value for each channel has no variance; it is an error.
func (sc *Scope) BatchNormTraining(x, weight, bias, mean, variance *Tensor, eps float64) *Tensor {
	if shape := x.Shape(); len(shape) > 1 && x.Numel() == shape[1] { // libtorch would divide by 0 and make the running variance NaN
		panic(&Error{Op: opBatchNorm.name + "(" + x.String() + ")", Kind: ErrInvalid, Message: "training with one value for each channel, want more"})
	}
	return sc.batchNorm(x, weight, bias, mean, variance, eps, true)
}

// Dropout sets elements of x to zero with probability p, by numbers of the
// process's generator, and scales the others by 1/(1−p).
func (sc *Scope) Dropout(x *Tensor, p float64) *Tensor {
	return sc.begin(opDropout).tensor(x).float(p).bool(true).one()
}

// DropPath sets whole items of x [N ...] to zero with probability p, by numbers
// of the process's generator, and scales the others by 1/(1−p): stochastic depth
// (Huang et al. 2016) for a branch of a residual network.
func (sc *Scope) DropPath(x *Tensor, p float64) (y *Tensor) {
	shape := x.Shape()
	for i := range shape {
		if i > 0 {
			shape[i] = 1
		}
	}
	sc.Scoped(func(sc *Scope) {
		keep := sc.begin(opNewEmpty).tensor(x).ints(shape...).one() // where x is
		sc.begin(opBernoulli).tensor(keep).float(1 - p).none().do()
		y = sc.Mul(x, keep)
		sc.begin(opDivScalarIn).tensor(y).float(1 - p).do()
		y = sc.Keep(y)
	})
	return y
}

// BCEWithLogits returns the mean binary cross-entropy of logits against targets
// from 0 to 1 of the same shape, a scalar tensor.
func (sc *Scope) BCEWithLogits(logits, targets *Tensor) *Tensor {
	const mean = 1
	if !slices.Equal(logits.Shape(), targets.Shape()) { // libtorch would pair all with all
		panic(&Error{Op: opBCE.name, Kind: ErrInvalid, Message: fmt.Sprintf("targets %v for logits %v, want the same shape", targets, logits)})
	}
	return sc.begin(opBCE).tensor(logits).tensor(targets).none().none().int(mean).one()
}

// Detach returns x's values, apart from what recorded how they came about.
func (sc *Scope) Detach(x *Tensor) *Tensor { return sc.begin(opDetach).tensor(x).one() }

// Stack joins tensors of one shape along a new dimension dim.
func (sc *Scope) Stack(tensors []*Tensor, dim int) *Tensor {
	return sc.begin(opStack).tensors(tensors).int(int64(dim)).one()
}

// MulInPlace multiplies a by b, element by element, and returns a.
func (sc *Scope) MulInPlace(a, b *Tensor) *Tensor {
	sc.begin(opMulInPlace).tensor(a).tensor(b).do()
	return a
}

// GradNorm returns the Euclidean norm of all gradients together, a scalar tensor.
func (sc *Scope) GradNorm(grads []*Tensor) (norm *Tensor) {
	sc.Scoped(func(sc *Scope) {
		norms := sc.Stack(sc.CallN(opForeachNorm, grads, 2), 0)
		norm = sc.Keep(sc.begin(opVectorNorm).tensor(norms).int(2).one())
	})
	return norm
}

// ClipGrads scales the gradients in place by min(1, most/(norm + 1e-6)), as
// PyTorch's clip_grad_norm_: so that their norm, which GradNorm has found, is at
// most most. If the norm is not finite, they become so too.
func (sc *Scope) ClipGrads(grads []*Tensor, norm *Tensor, most float64) {
	sc.Scoped(func(sc *Scope) {
		c := sc.AddScalar(norm, 1e-6)
		c = sc.MulScalar(sc.begin(opReciprocal).tensor(c).one(), most)
		c = sc.begin(opClampMax).tensor(c).float(1).one()
		sc.begin(opForeachScale).tensors(grads).tensor(c).do()
	})
}

// CountNotFinite adds to count, a float32 scalar, how many of the scalars x are not
// finite.
func (sc *Scope) CountNotFinite(count, x *Tensor) {
	sc.Scoped(func(sc *Scope) {
		finite := sc.begin(opIsFinite).tensor(x).one()
		sc.AddInPlace(count, sc.begin(opLogicalNot).tensor(finite).one())
	})
}

// AdamW are the options of [Scope.FusedAdamW].
type AdamW struct {
	Rate         float64 // learning rate
	Beta1, Beta2 float64 // decay of the moments, such as 0.9 and 0.999
	Epsilon      float64 // added to the root of the second moment, such as 1e-8
	Decay        float64 // weight decay, decoupled from the gradient

	GradScale *Tensor // float32 scalar that gradients are divided by before, in place; nil: 1
	FoundInf  *Tensor // float32 scalar; 1: the step changes nothing; nil: 0
}

// FusedAdamW makes one step of AdamW (Loshchilov and Hutter 2019) in place on
// weights, with their gradients, first and second moments, and the number of
// steps of each, a float32 scalar that it counts up, unless the step is skipped.
func (sc *Scope) FusedAdamW(weights, grads, first, second, steps []*Tensor, o AdamW) {
	for _, list := range [][]*Tensor{grads, first, second} {
		checkAlike(weights, list)
	}
	checkSteps(weights, steps)
	if o.GradScale != nil {
		checkScalar(opFusedAdamW, "scale of gradients", o.GradScale, Float32)
	}
	if o.FoundInf != nil {
		checkScalar(opFusedAdamW, "found", o.FoundInf, Float32)
	}
	sc.NoGrad(func() {
		for _, s := range steps {
			sc.begin(opAddScalarIn).tensor(s).float(1).do()
		}
		sc.begin(opFusedAdamW).tensors(weights).tensors(grads).tensors(first).tensors(second).tensors(nil).tensors(steps).
			float(o.Rate).float(o.Beta1).float(o.Beta2).float(o.Decay).float(o.Epsilon).bool(false).bool(false).
			optional(o.GradScale).optional(o.FoundInf).do()
		if o.FoundInf != nil { // the kernel wants the number of this step; a skipped one does not count
			for _, s := range steps {
				sc.begin(opSubInPlace).tensor(s).tensor(o.FoundInf).do()
			}
		}
	})
}

// checkAlike panics unless list has a tensor like each of weights. The kernel goes
// through their memory without a look at shapes.
func checkAlike(weights, list []*Tensor) {
	if len(list) != len(weights) {
		panic(&Error{Op: opFusedAdamW.name, Kind: ErrInvalid, Message: fmt.Sprintf("lists of %d and %d tensors", len(weights), len(list))})
	}
	for i, w := range weights {
		if C.lt_alike(w.handle(opFusedAdamW.name), list[i].handle(opFusedAdamW.name)) == 0 {
			panic(&Error{Op: opFusedAdamW.name, Kind: ErrInvalid, Message: fmt.Sprintf("tensor %d of a list is %v, its weight %v, or their strides differ", i, list[i], w)})
		}
	}
}

func checkSteps(weights, steps []*Tensor) {
	if len(steps) != len(weights) {
		panic(&Error{Op: opFusedAdamW.name, Kind: ErrInvalid, Message: fmt.Sprintf("%d counts of steps for %d weights", len(steps), len(weights))})
	}
	for i, s := range steps {
		if s.DType() != Float32 || s.Numel() != 1 {
			panic(&Error{Op: opFusedAdamW.name, Kind: ErrInvalid, Message: fmt.Sprintf("count of steps %d is %v, want float32[]", i, s)})
		}
	}
}
