package graph

import (
	"fmt"

	"lensbench/torch"
)

// A Graph is the operations of a network, in an order in which they can be run.
// The first is Input, the last gives the logits.
type Graph struct{ Nodes []*Node }

// A Node is one operation in its place.
type Node struct {
	Index int     // in Graph.Nodes
	Op    Op      // what is done
	In    []*Node // whose results it takes, all of smaller index
}

// An Op is an operation. Its types are those of this package.
type Op interface {
	// Forward computes the result from those of the node's operands, which it
	// leaves alone.
	Forward(sc *torch.Scope, in []*torch.Tensor) *torch.Tensor
	// String names the operation, and its layer if it has weights.
	String() string
	operands() int
}

// New returns the graph of nothing but images [N bands H W], and their node.
func New() (*Graph, *Node) {
	g := &Graph{}
	return g, g.Add(Input{})
}

// Add appends an operation on the results of in.
func (g *Graph) Add(op Op, in ...*Node) *Node {
	if len(in) != op.operands() {
		panic(fmt.Sprintf("graph: %s of %d operands, want %d", op, len(in), op.operands()))
	}
	n := &Node{Index: len(g.Nodes), Op: op, In: in}
	g.Nodes = append(g.Nodes, n)
	return n
}

// Uses returns how many operands each node's result is.
func (g *Graph) Uses() []int {
	uses := make([]int, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, in := range n.In {
			uses[in.Index]++
		}
	}
	return uses
}

// String names the node: 12 conv backbone.layer1.0.conv1.
func (n *Node) String() string { return fmt.Sprintf("%d %s", n.Index, n.Op) }

// Eval runs the graph on images x, which stay the caller's, and returns the result
// of the last node. Watch, if not nil, is shown the result of every node, which is
// freed after the last use.
func (g *Graph) Eval(sc *torch.Scope, x *torch.Tensor, watch func(*Node, *torch.Tensor)) *torch.Tensor {
	values := make([]*torch.Tensor, len(g.Nodes))
	uses := g.Uses()
	for i, n := range g.Nodes {
		values[i] = x
		if i > 0 {
			values[i] = n.Op.Forward(sc, pick(values, n.In))
		}
		if watch != nil {
			watch(n, values[i])
		}
		for _, in := range n.In {
			if uses[in.Index]--; uses[in.Index] == 0 && in.Index > 0 {
				values[in.Index].Free()
			}
		}
	}
	return values[len(values)-1]
}

func pick(values []*torch.Tensor, nodes []*Node) []*torch.Tensor {
	out := make([]*torch.Tensor, len(nodes))
	for i, n := range nodes {
		out[i] = values[n.Index]
	}
	return out
}
