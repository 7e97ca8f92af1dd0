package model

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

// Samples returns the logits [K N] of K passes with dropout (nn.MonteCarlo). Where
// dropout is only in the head, the backbone runs once for all: the samples are those
// of WholeSamples, to the bit, because nothing else draws random numbers.
func (m *Model) Samples(sc *torch.Scope, x *torch.Tensor, k int) *torch.Tensor {
	if m.DropoutOnlyInHead() {
		return m.headSamples(sc, x, k)
	}
	return m.WholeSamples(sc, x, k)
}

// WholeSamples is Samples that passes images through the whole network K times.
func (m *Model) WholeSamples(sc *torch.Scope, x *torch.Tensor, k int) *torch.Tensor {
	passes := make([]*torch.Tensor, k)
	for i := range passes {
		passes[i] = m.ForwardMode(sc, x, nn.MonteCarlo)
	}
	return stacked(sc, passes)
}

// headSamples has all passes share one pass through the backbone, with what that
// drops.
func (m *Model) headSamples(sc *torch.Scope, x *torch.Tensor, k int) *torch.Tensor {
	features := m.Features(sc, x, nn.MonteCarlo)
	return nn.Next(features, m.HeadSamples(sc, features, k))
}

// HeadSamples returns the logits [K N] of K passes through the head with dropout, of
// features [N d].
func (m *Model) HeadSamples(sc *torch.Scope, features *torch.Tensor, k int) *torch.Tensor {
	passes := make([]*torch.Tensor, k)
	for i := range passes {
		passes[i] = m.Head(sc, features, nn.MonteCarlo)
	}
	return stacked(sc, passes)
}

// stacked returns tensors as the rows of one, and frees them.
func stacked(sc *torch.Scope, rows []*torch.Tensor) (y *torch.Tensor) {
	sc.Tagged(torch.Activations, func() { y = sc.Stack(rows, 0) })
	for _, r := range rows {
		r.Free()
	}
	return y
}
