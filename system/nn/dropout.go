package nn

import "lensbench/torch"

// A Dropout is the probability with which elements are dropped.
type Dropout float64

// Forward returns x itself if nothing is dropped, else another tensor.
func (p Dropout) Forward(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	if p == 0 || !mode.Dropout {
		return x
	}
	return sc.Dropout(x, float64(p))
}

// A DropPath is the probability with which the branch of an item is dropped.
type DropPath float64

// Forward returns x [N ...] itself if nothing is dropped, else another tensor.
func (p DropPath) Forward(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	if p == 0 || !mode.Dropout {
		return x
	}
	return sc.DropPath(x, float64(p))
}
