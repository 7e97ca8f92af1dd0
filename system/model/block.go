package model

import (
	"slices"

	"lensbench/system/nn"
	"lensbench/torch"
)

// A block is a pre-norm transformer block: attention and a perceptron with one
// hidden layer, each with a normalisation before it and a shortcut around it.
type block struct {
	norm1, norm2     *nn.LayerNorm
	attention        *nn.Attention
	expand, contract *nn.Linear
	drop             nn.Dropout  // after each projection, and of the hidden layer
	path             nn.DropPath // of both branches
}

// forward maps [N L d] to the same shape.
func (l *block) forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := l.norm1.Forward(sc, x)
	y = nn.Next(y, l.attention.Forward(sc, y))
	y = nn.Next(y, l.drop.Forward(sc, y, mode))
	y = nn.Next(y, l.path.Forward(sc, y, mode))
	y = nn.Next(y, sc.Add(x, y))
	z := l.norm2.Forward(sc, y)
	z = nn.Next(z, l.expand.Forward(sc, z))
	z = nn.Next(z, sc.GELU(z))
	z = nn.Next(z, l.drop.Forward(sc, z, mode))
	z = nn.Next(z, l.contract.Forward(sc, z))
	z = nn.Next(z, l.drop.Forward(sc, z, mode))
	z = nn.Next(z, l.path.Forward(sc, z, mode))
	sum := sc.Add(y, z)
	y.Free()
	z.Free()
	return sum
}

// cost counts the operations for a sequence of n vectors.
func (l *block) cost(n int) Cost {
	projections, products := l.attention.MACs(n)
	return Cost{Layers: projections + l.expand.MACs(n) + l.contract.MACs(n), Attention: products}
}

// chain is blocks in stages of that many.
func chain(blocks []*block, stage int) (c nn.Chain) {
	for group := range slices.Chunk(blocks, stage) {
		var layers []nn.Layer
		for _, l := range group {
			layers = append(layers, l.forward)
		}
		c = append(c, layers)
	}
	return c
}
