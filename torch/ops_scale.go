package torch

import "fmt"

// What loss scaling needs (Micikevicius et al. 2018): float16 gradients below
// 2⁻²⁴ are 0, so the loss is multiplied by a scale before the backward pass, and
// the gradients are divided by it. Where that overflows, the step is skipped and
// the scale lowered. All of it happens on the device.

var (
	opUnscale     = operator("aten::_amp_foreach_non_finite_check_and_unscale_", "")
	opUpdateScale = operator("aten::_amp_update_scale_", "")
)

// UnscaleGrads multiplies the gradients in place by inverse, and sets found to 1 if
// one of them is not finite; else found stays as it is. Both are float32 scalars.
func (sc *Scope) UnscaleGrads(grads []*Tensor, found, inverse *Tensor) {
	for i, g := range grads {
		if g.DType() != Float32 {
			panic(&Error{Op: opUnscale.name, Kind: ErrInvalid, Message: fmt.Sprintf("gradient %d is %v, want float32", i, g)})
		}
	}
	checkScalar(opUnscale, "found", found, Float32)
	checkScalar(opUnscale, "inverse", inverse, Float32)
	sc.begin(opUnscale).tensors(grads).tensor(found).tensor(inverse).do()
}

// Scaling is how [Scope.UpdateScale] changes a scale.
type Scaling struct {
	Growth   float64 // factor after Interval steps in a row that were not skipped, at least 1
	Backoff  float64 // factor after a skipped step, between 0 and 1
	Interval int     // steps, at least 1
}

// Check says what is wrong with the options.
func (o Scaling) Check() error {
	if !(o.Growth >= 1 && o.Backoff > 0 && o.Backoff < 1 && o.Interval >= 1) { // also NaN
		return fmt.Errorf("growth %g, back-off %g, interval %d; want a growth of at least 1, a back-off between 0 and 1, an interval of at least 1",
			o.Growth, o.Backoff, o.Interval)
	}
	return nil
}

// UpdateScale changes scale and tracker, the steps since the last change, in place
// after a step, which was skipped if found is not 0. They are scalars of float32,
// int32 and float32. A scale does not grow beyond float32.
func (sc *Scope) UpdateScale(scale, tracker, found *Tensor, o Scaling) {
	if err := o.Check(); err != nil {
		panic(&Error{Op: opUpdateScale.name, Kind: ErrInvalid, Message: err.Error()})
	}
	checkScalar(opUpdateScale, "scale", scale, Float32)
	checkScalar(opUpdateScale, "tracker", tracker, Int32)
	checkScalar(opUpdateScale, "found", found, Float32)
	sc.begin(opUpdateScale).tensor(scale).tensor(tracker).tensor(found).
		float(o.Growth).float(o.Backoff).int(int64(o.Interval)).do()
}

// checkScalar panics unless t has one element of that type: kernels read it
// without a look.
func checkScalar(op *Op, name string, t *Tensor, dtype DType) {
	if t.DType() != dtype || t.Numel() != 1 {
		panic(&Error{Op: op.name, Kind: ErrInvalid, Message: fmt.Sprintf("%s is %v, want %v[]", name, t, dtype)})
	}
}
