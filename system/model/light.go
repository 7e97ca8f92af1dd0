package model

import (
	"errors"
	"fmt"

	"lensbench/system/nn"
	"lensbench/torch"
)

// Dimensions of the light transformer.
const (
	lightDim    = 256
	lightHidden = 2 * lightDim
	lightHeads  = 4
	lightDepth  = 4
	lightGrid   = 8    // side of the learned grid of positions
	lightPatch  = 2    // side of what becomes a token, in pixels of the trunk's map
	lightEps    = 1e-5 // of its layer normalisations
	lightDrop   = 0.1  // of tokens and within blocks
	lightPath   = 0.1  // of the last block's branches; it grows linearly from 0 in the first
)

// A light is a ResNet-18 up to its third stage, whose map is cut into tokens of
// 2×2 pixels for four transformer blocks; its vector is the tokens' mean.
type light struct {
	positions *nn.Param // a grid, row-major, resized to that of the tokens
	trunk     *trunk
	patches   *nn.Conv2D // without padding: an odd last row or column is dropped
	patchNorm *nn.LayerNorm
	blocks    []*block
	chain     nn.Chain // of the blocks
	norm      *nn.LayerNorm
}

func newLight(b *nn.Builder, bands int) (backbone, int) {
	l := &light{
		positions: b.Embedding("pos", 1, lightGrid*lightGrid, lightDim),
		trunk:     newTrunk(b, bands, stemChannels, 2, 2, 2),
		patches:   b.Conv2D("patch", nn.Conv2D{In: stemChannels << 2, Out: lightDim, Kernel: lightPatch, Stride: lightPatch, Biased: true}),
		patchNorm: b.LayerNorm("patch_norm", lightDim, lightEps),
	}
	for i := range lightDepth {
		l.blocks = append(l.blocks, newLightBlock(b.In(fmt.Sprintf("blocks.%d", i)), i))
	}
	l.chain = chain(l.blocks, lightDepth)
	l.norm = b.LayerNorm("norm", lightDim, lightEps)
	return l, lightDim
}

func (l *light) forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := l.trunk.forward(sc, x, mode)
	y = nn.Next(y, l.patches.Forward(sc, y))
	y = nn.Next(y, l.tokens(sc, y))
	y = nn.Next(y, nn.Dropout(lightDrop).Forward(sc, y, mode))
	y = l.chain.Next(sc, y, mode)
	y = nn.Next(y, sc.Mean(y, 1))
	return nn.Next(y, l.norm.Forward(sc, y))
}

// tokens maps [N 256 h w] to normalised tokens with their positions, [N h·w 256].
func (l *light) tokens(sc *torch.Scope, x *torch.Tensor) (y *torch.Tensor) {
	shape := x.Shape()
	height, width := int(shape[2]), int(shape[3])
	sc.Scoped(func(sc *torch.Scope) {
		t := l.patchNorm.Forward(sc, sc.Transpose(sc.Flatten(x, 2, -1), 1, 2))
		p := sc.Permute(sc.View(l.positions.T(), 1, lightGrid, lightGrid, lightDim), 0, 3, 1, 2)
		if height != lightGrid || width != lightGrid {
			p = sc.UpsampleBicubic2D(p, height, width)
		}
		y = sc.Keep(sc.Add(t, sc.Transpose(sc.Flatten(p, 2, -1), 1, 2)))
	})
	return y
}

// side is the side of the grid of tokens for images of side n.
func (l *light) side(n int) int { return l.patches.Size(l.trunk.size(n)) }

func (l *light) cost(pixels int) Cost {
	tokens := l.side(pixels) * l.side(pixels)
	c := Cost{Layers: l.trunk.macs(pixels) + l.patches.MACs(l.trunk.size(pixels))}
	for _, block := range l.blocks {
		c = c.plus(block.cost(tokens))
	}
	return c
}

func (l *light) check(height, width int) error {
	if l.side(height) < 1 || l.side(width) < 1 {
		return errors.New("want at least 17×17, for one token")
	}
	return nil
}

func newLightBlock(b *nn.Builder, i int) *block {
	return &block{
		drop:      lightDrop,
		path:      nn.DropPath(lightPath * float64(i) / (lightDepth - 1)),
		norm1:     b.LayerNorm("norm1", lightDim, lightEps),
		attention: b.Attention("qkv", "proj", lightDim, lightHeads),
		norm2:     b.LayerNorm("norm2", lightDim, lightEps),
		expand:    b.Linear("fc1", lightDim, lightHidden),
		contract:  b.Linear("fc2", lightHidden, lightDim),
	}
}
