package model

import (
	"lensbench/system/graph"
	"lensbench/system/nn"
)

// The networks as graphs: each function here says what the forward pass of its type
// does in evaluation mode.

func (r residual) graph(g *graph.Graph, x *graph.Node) *graph.Node {
	return g.Add(graph.Average{}, r.trunk.graph(g, x))
}

func (t *trunk) graph(g *graph.Graph, x *graph.Node) *graph.Node {
	y := normalised(g, x, t.conv, t.bn)
	y = g.Add(graph.ReLU{}, y)
	y = g.Add(graph.MaxPool{Pool: stemPool}, y)
	for _, block := range t.blocks {
		y = block.graph(g, y)
	}
	return y
}

// normalised is a convolution with its normalisation.
func normalised(g *graph.Graph, x *graph.Node, conv *nn.Conv2D, bn *nn.BatchNorm) *graph.Node {
	return g.Add(graph.BatchNorm{Layer: bn}, g.Add(graph.Conv{Layer: conv}, x))
}

func (l *basicBlock) graph(g *graph.Graph, x *graph.Node) *graph.Node {
	y := normalised(g, x, l.conv1, l.bn1)
	y = g.Add(graph.ReLU{}, y)
	y = normalised(g, y, l.conv2, l.bn2)
	identity := x
	if l.shortcut != nil {
		identity = normalised(g, x, l.shortcut, l.shortcutNorm)
	}
	y = g.Add(graph.Add{}, y, identity)
	return g.Add(graph.ReLU{}, y)
}

func (l *light) graph(g *graph.Graph, x *graph.Node) *graph.Node {
	grid := g.Add(graph.Conv{Layer: l.patches}, l.trunk.graph(g, x))
	y := g.Add(graph.LayerNorm{Layer: l.patchNorm}, g.Add(graph.Sequence{}, grid))
	y = g.Add(graph.GridPositions{Array: l.positions, Side: lightGrid}, y, grid)
	for _, block := range l.blocks {
		y = block.graph(g, y)
	}
	return g.Add(graph.LayerNorm{Layer: l.norm}, g.Add(graph.Mean{}, y))
}

func (v *vit) graph(g *graph.Graph, x *graph.Node) *graph.Node {
	y := g.Add(graph.Sequence{}, g.Add(graph.Conv{Layer: v.patches}, x))
	y = g.Add(graph.Prefix{Token: v.class}, y)
	y = g.Add(graph.Positions{Array: v.positions}, y)
	for _, layer := range v.layers {
		y = layer.graph(g, y)
	}
	return g.Add(graph.First{}, g.Add(graph.LayerNorm{Layer: v.norm}, y))
}

func (l *block) graph(g *graph.Graph, x *graph.Node) *graph.Node {
	y := g.Add(graph.LayerNorm{Layer: l.norm1}, x)
	y = g.Add(graph.Linear{Layer: l.attention.In()}, y)
	y = g.Add(graph.Attend{Layer: l.attention}, y)
	y = g.Add(graph.Linear{Layer: l.attention.Out()}, y)
	x = g.Add(graph.Add{}, x, y)
	y = g.Add(graph.LayerNorm{Layer: l.norm2}, x)
	y = g.Add(graph.Linear{Layer: l.expand}, y)
	y = g.Add(graph.GELU{}, y)
	y = g.Add(graph.Linear{Layer: l.contract}, y)
	return g.Add(graph.Add{}, x, y)
}
