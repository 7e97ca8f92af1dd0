package nn

import (
	"slices"

	"lensbench/torch"
)

// A Layer maps x to another tensor, and leaves x to its caller.
type Layer func(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor

// A Chain is layers one after another, in stages, none of which is empty.
type Chain [][]Layer

// Forward maps x as the last layer does, and leaves x to the caller. Segments that
// the mode's policy names record only their input.
func (c Chain) Forward(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	segments := c.segments(mode.Checkpoint)
	y := segments[0].forward(sc, x, mode)
	for _, s := range segments[1:] {
		y = Next(y, s.forward(sc, y, mode))
	}
	return y
}

// Next is Forward for an x that nobody else needs: it is freed where the first
// segment has used it.
func (c Chain) Next(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	segments := c.segments(mode.Checkpoint)
	for _, s := range segments {
		x = Next(x, s.forward(sc, x, mode))
	}
	return x
}

// A segment is layers of which the input alone is recorded.
type segment []Layer

// segments cuts the chain.
func (c Chain) segments(p Policy) []segment {
	var stages []segment
	for _, layers := range c {
		stages = append(stages, layers)
	}
	if p > 0 {
		return cut(stages, int(p))
	}
	return stages
}

// cut makes segments of n layers each, whatever their stages.
func cut(stages []segment, n int) []segment {
	return slices.Collect(slices.Chunk(slices.Concat(stages...), n))
}

func (s segment) forward(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	if mode.Checkpoint == KeepAll {
		return s.run(sc, x, mode)
	}
	mode.Checkpoint = KeepAll
	return sc.Checkpoint(func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
		mode := mode
		mode.Again = mode.Again || again
		return s.run(sc, x, mode)
	}, x)
}

// run frees what is between the layers.
func (s segment) run(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	y := s[0](sc, x, mode)
	for _, layer := range s[1:] {
		y = Next(y, layer(sc, y, mode))
	}
	return y
}
