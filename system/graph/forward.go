package graph

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

func (Input) Forward(*torch.Scope, []*torch.Tensor) *torch.Tensor {
	panic("graph: the input is given, not computed")
}

func (o Conv) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return o.Layer.Forward(sc, in[0])
}

func (o BatchNorm) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return o.Layer.Forward(sc, in[0], nn.Evaluation)
}

func (ReLU) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor { return sc.ReLU(in[0]) }

func (GELU) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor { return sc.GELU(in[0]) }

func (Add) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor { return sc.Add(in[0], in[1]) }

func (o MaxPool) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return sc.MaxPool2D(in[0], o.Pool)
}

func (Average) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	y := sc.AdaptiveAvgPool2D(in[0], 1, 1)
	return nn.Next(y, sc.Flatten(y, 1, -1))
}

func (Sequence) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	y := sc.Flatten(in[0], 2, -1)
	return nn.Next(y, sc.Transpose(y, 1, 2))
}

func (o Prefix) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	token := sc.Expand(o.Token.T(), in[0].Shape()[0], -1, -1)
	return nn.Next(token, sc.Cat(1, token, in[0]))
}

func (o Positions) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return sc.Add(in[0], o.Array.T())
}

func (o GridPositions) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	shape := in[1].Shape()
	grid := o.Resized(sc, int(shape[2]), int(shape[3]))
	return nn.Next(grid, sc.Add(in[0], grid))
}

// Resized returns the grid as a sequence [1 height·width D].
func (o GridPositions) Resized(sc *torch.Scope, height, width int) (y *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		side, dim := int64(o.Side), int64(o.Array.Shape[2])
		grid := sc.Permute(sc.View(o.Array.T(), 1, side, side, dim), 0, 3, 1, 2)
		if height != o.Side || width != o.Side {
			grid = sc.UpsampleBicubic2D(grid, height, width)
		}
		y = sc.Keep(sc.Transpose(sc.Flatten(grid, 2, -1), 1, 2))
	})
	return y
}

func (o LayerNorm) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return o.Layer.Forward(sc, in[0])
}

func (o Linear) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return o.Layer.Forward(sc, in[0])
}

func (o Attend) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return o.Layer.Mix(sc, in[0])
}

func (First) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor {
	return sc.Select(in[0], 1, 0)
}

func (Mean) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor { return sc.Mean(in[0], 1) }

func (Logit) Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor { return sc.Squeeze(in[0], 1) }
