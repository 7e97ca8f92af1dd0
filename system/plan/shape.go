package plan

import (
	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/torch"
)

// shapes returns the shape of each node's result for a whole batch, by running the
// graph on one image.
func shapes(sc *torch.Scope, m *model.Model, o Options) [][]int64 {
	var all [][]int64
	x := sc.Zeros(torch.Float32, 1, int64(m.Bands), int64(o.Pixels), int64(o.Pixels))
	m.Graph().Eval(sc, x, func(_ *graph.Node, y *torch.Tensor) {
		shape := y.Shape()
		shape[0] = int64(o.Batch)
		all = append(all, shape)
	}).Free()
	x.Free()
	return all
}
