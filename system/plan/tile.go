package plan

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

// Tiles of a convolution by Winograd's filtering.
const (
	tileSide   = 4  // outputs
	tileLanes  = 16 // channels that go together
	leastTiles = 16 // that are worth reading four times the weights for
)

// tiled reports whether a convolution of maps of a shape [N In H W] is faster by tiles:
// if it has half of the products then, or fewer. In 16 and 8 bits oneDNN's are faster.
func tiled(c *nn.Conv2D, shape []int64) bool {
	tiles := func(n int64) int64 { return (n + tileSide - 1) / tileSide }
	images, height, width := shape[0], shape[2], shape[3]
	perImage := tiles(height) * tiles(width)
	return c.Kernel == 3 && c.Stride == 1 && c.Padding == 1 && c.In%tileLanes == 0 && c.Out%tileLanes == 0 &&
		8*perImage <= height*width && images*perImage >= leastTiles
}

func (l *lowering) tiledConv(s *step, c *nn.Conv2D) result {
	weight := l.sc.Call(opTileWeight, l.tensor(torch.Float32, s.weight, int64(c.Out), int64(c.In), 3, 3))
	bias := l.tensor(torch.Float32, s.bias, int64(c.Out))
	var add any // none is written so here
	if s.add != nil {
		add = l.number(s.add, images)
	}
	return result{l.call(opTileConv, l.number(s.in[0], images), weight, bias, add, s.then == relu), images, torch.Float32, nil}
}
