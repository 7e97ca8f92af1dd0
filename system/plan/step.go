package plan

import (
	"fmt"

	"lensbench/system/graph"
	"lensbench/system/nn"
)

// An activation is what is done to a result where it arises.
type activation string

const (
	none activation = "none"
	relu activation = "relu"
	gelu activation = "gelu"
)

// algorithm is which of an activation's algorithms oneDNN is to take.
func (a activation) algorithm() string {
	if a == gelu {
		return "none" // the exact one
	}
	return ""
}

// written is an activation behind a sum as operators take it.
func (a activation) written() any {
	if a == none {
		return nil
	}
	return string(a)
}

// A step is one operation of a graph with those that follow it at once: of a
// convolution its normalisation, the addition of a shortcut, and the activation.
type step struct {
	node *graph.Node // whose result the step's is
	op   graph.Op    // the operation itself
	in   []*step     // its operands
	add  *step       // is added to its result; nil: nothing
	then activation  // of the sum

	weight, bias []float32 // of Conv and Linear, normalisation folded in; bias nil: none
}

// operands are all steps whose results s takes.
func (s *step) operands() []*step {
	if s.add == nil {
		return s.in
	}
	return append(s.in[:len(s.in):len(s.in)], s.add)
}

// open says whether something can still join s: its result goes nowhere else.
func (s *step) open(uses []int) bool { return s.then == none && uses[s.node.Index] == 1 }

// product says whether s multiplies by a matrix of weights.
func (s *step) product() bool {
	switch s.op.(type) {
	case graph.Conv, graph.Linear:
		return true
	}
	return false
}

// steps makes steps of a graph whose layers are loaded.
func steps(g *graph.Graph) ([]*step, error) {
	f := fuser{uses: g.Uses(), of: make([]*step, len(g.Nodes))}
	for _, n := range g.Nodes {
		if f.join(n) {
			continue
		}
		if err := f.begin(n); err != nil {
			return nil, err
		}
	}
	return f.steps, f.err
}

// A fuser goes through a graph in its order.
type fuser struct {
	uses  []int
	of    []*step // that a node went into, by the node's index
	steps []*step
	err   error
}

// begin makes a step of n alone.
func (f *fuser) begin(n *graph.Node) (err error) {
	s := &step{node: n, op: n.Op, then: none}
	for _, in := range n.In {
		s.in = append(s.in, f.of[in.Index])
	}
	switch op := n.Op.(type) {
	case graph.Conv:
		s.weight, s.bias, err = values(op.Layer.Weight(), op.Layer.Bias())
	case graph.Linear:
		s.weight, s.bias, err = values(op.Layer.Weight(), op.Layer.Bias())
	case graph.BatchNorm:
		err = fmt.Errorf("%s does not follow a convolution whose result goes nowhere else", n)
	}
	f.of[n.Index] = s
	f.steps = append(f.steps, s)
	return err
}

// join lets n join the step that it follows and reports whether it could.
func (f *fuser) join(n *graph.Node) bool {
	switch op := n.Op.(type) {
	case graph.BatchNorm:
		s := f.of[n.In[0].Index]
		if _, ok := s.op.(graph.Conv); !ok || !s.open(f.uses) || s.add != nil {
			return false
		}
		if err := s.fold(op.Layer); err != nil {
			f.err = err
		}
		return f.put(n, s)
	case graph.ReLU:
		return f.activate(n, relu, (*step).product)
	case graph.GELU:
		return f.activate(n, gelu, func(s *step) bool { _, ok := s.op.(graph.Linear); return ok && s.add == nil })
	case graph.Add:
		return f.sum(n)
	}
	return false
}

// put makes n's result that of s.
func (f *fuser) put(n *graph.Node, s *step) bool {
	s.node, f.of[n.Index] = n, s
	return true
}

func (f *fuser) activate(n *graph.Node, a activation, can func(*step) bool) bool {
	s := f.of[n.In[0].Index]
	if !can(s) || !s.open(f.uses) {
		return false
	}
	s.then = a
	return f.put(n, s)
}

// sum adds one operand where the other arises, which must be the later of the two.
func (f *fuser) sum(n *graph.Node) bool {
	s, other := f.of[n.In[0].Index], f.of[n.In[1].Index]
	if s.node.Index < other.node.Index {
		s, other = other, s
	}
	if !s.product() || !s.open(f.uses) || s.add != nil || s == other {
		return false
	}
	s.add = other
	return f.put(n, s)
}

// fold multiplies a normalisation into the convolution before it: with
// y = scale·x + shift for each output channel, conv(x; w) + b becomes
// conv(x; scale·w) + scale·b + shift. Each product is rounded once.
func (s *step) fold(l *nn.BatchNorm) error {
	scale, shift, err := l.Affine()
	if err != nil {
		return err
	}
	s.weight, s.bias = folded(s.weight, s.bias, scale, shift)
	return nil
}

func folded(weight, bias []float32, scale, shift []float64) (w, b []float32) {
	w, b = make([]float32, len(weight)), make([]float32, len(scale))
	per := len(weight) / len(scale) // weights of one output channel
	for k := range scale {
		for i := k * per; i < (k+1)*per; i++ {
			w[i] = float32(scale[k] * float64(weight[i]))
		}
		sum := shift[k]
		if bias != nil {
			sum += scale[k] * float64(bias[k])
		}
		b[k] = float32(sum)
	}
	return w, b
}

// values reads a layer's weights; bias may be nil.
func values(weight, bias *nn.Param) (w, b []float32, err error) {
	w = make([]float32, weight.Len())
	if err := weight.T().CopyFloat32(w); err != nil || bias == nil {
		return w, nil, err
	}
	b = make([]float32, bias.Len())
	return w, b, bias.T().CopyFloat32(b)
}
