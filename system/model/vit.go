package model

import (
	"fmt"

	"lensbench/system/nn"
	"lensbench/torch"
)

// Dimensions of the base vision transformer with patches of 16 pixels.
const (
	vitPixels = 224
	vitPatch  = 16
	vitTokens = (vitPixels/vitPatch)*(vitPixels/vitPatch) + 1 // patches and the class token
	vitDim    = 768
	vitHidden = 3072
	vitHeads  = 12
	vitLayers = 12
	vitStage  = 3    // layers of a stage, for checkpoints alone: about the root of all, which keeps least
	vitEps    = 1e-6 // of its layer normalisations
)

// A vit is the vision transformer; its vector is the class token's.
type vit struct {
	class, positions *nn.Param
	patches          *nn.Conv2D
	layers           []*block
	chain            nn.Chain // of the layers
	norm             *nn.LayerNorm
}

func newViT(b *nn.Builder, bands int) (backbone, int) {
	v := &vit{
		class:   b.Embedding("class_token", 1, 1, vitDim),
		patches: b.Conv2D("conv_proj", nn.Conv2D{In: bands, Out: vitDim, Kernel: vitPatch, Stride: vitPatch, Biased: true}),
	}
	b = b.In("encoder")
	v.positions = b.Embedding("pos_embedding", 1, vitTokens, vitDim)
	for i := range vitLayers {
		v.layers = append(v.layers, newViTBlock(b.In(fmt.Sprintf("layers.encoder_layer_%d", i))))
	}
	v.chain = chain(v.layers, vitStage)
	v.norm = b.LayerNorm("ln", vitDim, vitEps)
	return v, vitDim
}

func (v *vit) forward(sc *torch.Scope, x *torch.Tensor, mode nn.Mode) *torch.Tensor {
	y := v.tokens(sc, x)
	y = nn.Next(y, sc.Add(y, v.positions.T()))
	y = v.chain.Next(sc, y, mode)
	y = nn.Next(y, v.norm.Forward(sc, y))
	return nn.Next(y, sc.Select(y, 1, 0))
}

// tokens maps [N bands 224 224] to [N 197 768], the class token first.
func (v *vit) tokens(sc *torch.Scope, x *torch.Tensor) (y *torch.Tensor) {
	n := x.Shape()[0]
	sc.Scoped(func(sc *torch.Scope) {
		patches := sc.Permute(sc.Reshape(v.patches.Forward(sc, x), n, vitDim, vitTokens-1), 0, 2, 1)
		class := sc.Expand(v.class.T(), n, -1, -1)
		y = sc.Keep(sc.Cat(1, class, patches))
	})
	return y
}

func (v *vit) cost(pixels int) Cost {
	c := Cost{Layers: v.patches.MACs(pixels)}
	for _, l := range v.layers {
		c = c.plus(l.cost(vitTokens))
	}
	return c
}

func (*vit) check(height, width int) error {
	if height != vitPixels || width != vitPixels {
		return fmt.Errorf("want %d×%d, the grid of its position embedding", vitPixels, vitPixels)
	}
	return nil
}

func newViTBlock(b *nn.Builder) *block {
	return &block{
		norm1:     b.LayerNorm("ln_1", vitDim, vitEps),
		attention: b.MultiheadAttention("self_attention", vitDim, vitHeads),
		norm2:     b.LayerNorm("ln_2", vitDim, vitEps),
		expand:    b.Linear("mlp.0", vitDim, vitHidden),
		contract:  b.Linear("mlp.3", vitHidden, vitDim),
	}
}
