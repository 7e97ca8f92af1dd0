package torch

// #include "lt.h"
import "C"

import "fmt"

// SetRequiresGrad says whether operators on t record what [Scope.Backward]
// needs to find its gradient; in inference mode they record nothing all the same.
// t must be a leaf, which no operator made. It panics with *Error otherwise.
func (t *Tensor) SetRequiresGrad(on bool) {
	must("requires grad", C.lt_requires_grad_set(t.handle("requires grad"), C.int(bit(on))))
}

// RequiresGrad says whether t takes part in gradients.
func (t *Tensor) RequiresGrad() bool { return C.lt_requires_grad(t.handle("requires grad")) != 0 }

// Backward adds to the gradient of every leaf that requires one the derivative of
// loss, which has one element, with respect to it. What the operators recorded is
// freed: there is one backward pass for each forward pass. A panic of a [Segment] that
// it runs comes out of it.
func (sc *Scope) Backward(loss *Tensor) {
	sc.open("backward")
	defer forgetReleased()
	must("backward", C.lt_backward(loss.handle("backward")))
}

// Grad returns the gradient of a leaf, nil if it has none. It is the gradient
// itself, not a copy: operators in place change it.
func (sc *Scope) Grad(t *Tensor) *Tensor {
	sc.open("grad")
	var p *C.lt_tensor
	must("grad", C.lt_grad(t.handle("grad"), &p))
	if p == nil {
		return nil
	}
	return sc.own(p)
}

// Grads returns the gradients of leaves, nil for those without.
func (sc *Scope) Grads(leaves []*Tensor) []*Tensor {
	out := make([]*Tensor, len(leaves))
	for i, t := range leaves {
		out[i] = sc.Grad(t)
	}
	return out
}

// SetGrad makes grad, of t's type and shape, the gradient of a leaf; nil removes
// it.
func (sc *Scope) SetGrad(t, grad *Tensor) {
	var p *C.lt_tensor
	if grad != nil {
		p = grad.handle("set grad")
		if t.String() != grad.String() { // libtorch takes anything, and fails in the next backward pass
			panic(&Error{Op: "set grad", Kind: ErrInvalid, Message: fmt.Sprintf("gradient %v of %v", grad, t)})
		}
	}
	must("set grad", C.lt_grad_set(t.handle("set grad"), p))
}

// ZeroGrads removes the gradients of leaves. The next backward pass then keeps
// what it computes instead of adding it to zeros.
func (sc *Scope) ZeroGrads(leaves []*Tensor) {
	for _, t := range leaves {
		sc.SetGrad(t, nil)
	}
}
