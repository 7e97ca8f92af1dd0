package trained

import "lensbench/torch"

// Resize brings images [N bands H W], already stretched, to the side that a
// network takes, by linear interpolation that averages over all pixels where it
// shrinks. Images of that side are returned as they are; otherwise x is left to
// the caller.
//
// Stretching comes first because it is done once an image, by the loader's
// goroutines, whatever networks of an ensemble make of it.
func Resize(sc *torch.Scope, x *torch.Tensor, input int) *torch.Tensor {
	shape := x.Shape()
	if shape[2] == int64(input) && shape[3] == int64(input) {
		return x
	}
	return sc.UpsampleBilinear2DAntialias(x, input, input)
}
