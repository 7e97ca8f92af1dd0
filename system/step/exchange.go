package step

import (
	"errors"

	"lensbench/torch"
)

// An Exchange makes the gradients of a step those of all ranks: the means, since each
// rank has equally many images. Package ranks has it, as Gradients.
type Exchange interface {
	// Forward comes before the forward passes that one backward pass goes back from,
	// and says whether that is the last of its step.
	Forward(last bool) error
	// Backward comes between them and the backward pass.
	Backward() error
}

// forward announces the forward passes before a backward pass, the last of its
// micro-batch or not.
func (s *Stepper) forward(last bool) {
	if s.Exchange != nil {
		raise(s.Exchange.Forward(last && s.Last))
	}
}

// backward goes back from a loss.
func (s *Stepper) backward(sc *torch.Scope, loss *torch.Tensor) {
	if s.Exchange != nil {
		raise(s.Exchange.Backward())
	}
	s.AdamW.Backward(sc, loss)
}

// raise panics with libtorch's error in err, which the session returns.
func raise(err error) {
	if err == nil {
		return
	}
	var e *torch.Error
	if errors.As(err, &e) {
		panic(e)
	}
	panic(err)
}
