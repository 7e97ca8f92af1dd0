package nn

import (
	"fmt"
	"math"

	"lensbench/torch"
)

// An Init is a parameter's distribution in the formula: uniform in
// [Centre − Bound, Centre + Bound). The bounds are
//
//	convolution without bias   √(6/fan_out), He et al. 2015 for ReLU, as in torchvision's ResNets
//	other weights and biases   1/√fan_in, PyTorch's default of Linear and Conv2d
//	class token, positions     0.02·√3, standard deviation 0.02
//	normalisation              weight and variance 1, bias and mean 0, all with bound 0
//
// fan_in is the inputs of one output value, fan_out the outputs that one input
// channel reaches: channels times kernel area.
type Init struct{ Centre, Bound float32 }

func constant(c float32) Init  { return Init{Centre: c} }
func variance(v float64) Init  { return Init{Bound: float32(math.Sqrt(3 * v))} }
func heFanOut(fanOut int) Init { return variance(2 / float64(fanOut)) }
func perFanIn(fanIn int) Init  { return variance(1 / (3 * float64(fanIn))) }

// A Param is one named tensor of a network.
type Param struct {
	Name    string // as in PyTorch's state_dict
	Shape   []int
	Init    Init
	Buffer  bool // saved with the weights but not trained: running statistics
	Counter bool // an int64 scalar without tensor, BatchNorm's num_batches_tracked: see Count

	tensor *torch.Tensor // nil until loaded
	count  int64
}

// Len returns the number of elements.
func (p *Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Count returns the value of a counter: the training passes since it was loaded,
// and those before.
func (p *Param) Count() int64 { return p.count }

// T returns the loaded tensor.
func (p *Param) T() *torch.Tensor {
	if p == nil {
		return nil
	}
	if p.tensor == nil {
		panic(fmt.Sprintf("nn: parameter %s is used before Params.Load", p.Name))
	}
	return p.tensor
}
