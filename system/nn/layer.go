package nn

import (
	"math"
	"strings"

	"lensbench/torch"
)

// A Builder makes layers and collects their parameters. Layers are made in the
// order in which PyTorch lists them.
type Builder struct {
	prefix string
	params *Params
}

// NewBuilder returns a builder of a network without parameters.
func NewBuilder() *Builder { return &Builder{params: &Params{}} }

// Params returns the parameters of all layers so far.
func (b *Builder) Params() *Params { return b.params }

// In returns a builder for the part of the network called name.
func (b *Builder) In(name string) *Builder {
	return &Builder{prefix: b.prefix + name + ".", params: b.params}
}

func (b *Builder) add(name string, d Init, shape ...int) *Param {
	p := &Param{Name: b.prefix + name, Shape: shape, Init: d}
	b.params.list = append(b.params.list, p)
	return p
}

// Embedding adds a learned array of standard deviation 0.02.
func (b *Builder) Embedding(name string, shape ...int) *Param {
	return b.add(name, variance(0.02*0.02), shape...)
}

// A Conv2D is a convolution with a square kernel.
type Conv2D struct {
	In, Out                 int // channels
	Kernel, Stride, Padding int // pixels
	Groups                  int // parts of the channels that do not mix; 0: 1
	Biased                  bool

	weight, bias *Param
}

// Conv2D adds the convolution c.
func (b *Builder) Conv2D(name string, c Conv2D) *Conv2D {
	area, groups := c.Kernel*c.Kernel, max(c.Groups, 1)
	d := heFanOut(c.Out / groups * area)
	if c.Biased {
		d = perFanIn(c.In / groups * area)
	}
	b = b.In(name)
	c.weight = b.add("weight", d, c.Out, c.In/groups, c.Kernel, c.Kernel)
	if c.Biased {
		c.bias = b.add("bias", d, c.Out)
	}
	return &c
}

// Forward maps [N In H W] to [N Out H' W'].
func (c *Conv2D) Forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return sc.Conv2D(x, c.weight.T(), c.bias.T(), torch.Conv{
		Stride:  [2]int{c.Stride, c.Stride},
		Padding: [2]int{c.Padding, c.Padding},
		Groups:  c.Groups,
	})
}

// Weight returns the kernels [Out In Kernel Kernel].
func (c *Conv2D) Weight() *Param { return c.weight }

// Bias returns the bias [Out], nil without one.
func (c *Conv2D) Bias() *Param { return c.bias }

// Name returns the layer's name in PyTorch's state_dict.
func (c *Conv2D) Name() string { return layerName(c.weight) }

// layerName is the name of the layer that has this weight.
func layerName(weight *Param) string {
	return strings.TrimRight(strings.TrimSuffix(weight.Name, "weight"), "._")
}

// Size returns the side of the map that the convolution makes of one of side n,
// 0 if the kernel does not fit.
func (c *Conv2D) Size(n int) int {
	if n+2*c.Padding < c.Kernel {
		return 0
	}
	return (n+2*c.Padding-c.Kernel)/c.Stride + 1
}

// MACs returns the multiply-adds for one image of side n.
func (c *Conv2D) MACs(n int) int64 {
	out := c.Size(n)
	return int64(c.weight.Len()) * int64(out) * int64(out)
}

// A Linear is a fully connected layer with bias.
type Linear struct{ weight, bias *Param }

// Linear adds a layer from in to out features.
func (b *Builder) Linear(name string, in, out int) *Linear {
	return b.In(name).linear("", in, out)
}

// linear names the parameters prefix + "weight" and prefix + "bias".
func (b *Builder) linear(prefix string, in, out int) *Linear {
	d := perFanIn(in)
	return &Linear{b.add(prefix+"weight", d, out, in), b.add(prefix+"bias", d, out)}
}

// Forward maps [... in] to [... out].
func (l *Linear) Forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return sc.Linear(x, l.weight.T(), l.bias.T())
}

// Apart maps [out N in] to [out N]: every output is a layer of its own, with vectors of
// its own.
func (l *Linear) Apart(sc *torch.Scope, x *torch.Tensor) (y *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		products := sc.Squeeze(sc.MatMul(x, sc.Unsqueeze(l.weight.T(), 2)), 2)
		y = sc.Keep(sc.Add(products, sc.Unsqueeze(l.bias.T(), 1)))
	})
	return y
}

// Weight returns the matrix [out in].
func (l *Linear) Weight() *Param { return l.weight }

// Bias returns the bias [out].
func (l *Linear) Bias() *Param { return l.bias }

// Name returns the layer's name in PyTorch's state_dict, in_proj for an attention's
// in_proj_weight.
func (l *Linear) Name() string { return layerName(l.weight) }

// Features returns the number of features that come out.
func (l *Linear) Features() int { return l.bias.Len() }

// MACs returns the multiply-adds for n vectors.
func (l *Linear) MACs(n int) int64 { return int64(n) * int64(l.weight.Len()) }

// A BatchNorm normalizes each channel, with running statistics or with those of
// the batch.
type BatchNorm struct{ weight, bias, mean, variance, counter *Param }

// BatchNorm adds a layer for that many channels.
func (b *Builder) BatchNorm(name string, channels int) *BatchNorm {
	b = b.In(name)
	l := &BatchNorm{
		weight:   b.add("weight", constant(1), channels),
		bias:     b.add("bias", constant(0), channels),
		mean:     b.add("running_mean", constant(0), channels),
		variance: b.add("running_var", constant(1), channels),
	}
	l.counter = b.add("num_batches_tracked", constant(0))
	l.counter.Counter = true
	for _, p := range []*Param{l.mean, l.variance, l.counter} {
		p.Buffer = true
	}
	return l
}

// Forward maps [N channels H W] to the same shape.
func (l *BatchNorm) Forward(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
	return l.normalise(sc, x, mode, 0, (*Param).T)
}

// Channels maps the channels from number first on, as many as x has, as Forward maps
// them among all: each is normalised by itself.
func (l *BatchNorm) Channels(sc *torch.Scope, x *torch.Tensor, mode Mode, first int) (y *torch.Tensor) {
	n := x.Shape()[1]
	sc.Scoped(func(sc *torch.Scope) {
		y = sc.Keep(l.normalise(sc, x, mode, first, func(p *Param) *torch.Tensor { return sc.Narrow(p.T(), 0, int64(first), n) }))
	})
	return y
}

// Affine returns what the layer does in evaluation mode, y = scale·x + shift for
// each channel: scale = weight/√(variance+ε), shift = bias − scale·mean.
func (l *BatchNorm) Affine() (scale, shift []float64, err error) {
	var v [4][]float32
	for i, p := range []*Param{l.weight, l.bias, l.mean, l.variance} {
		v[i] = make([]float32, p.Len())
		if err := p.T().CopyFloat32(v[i]); err != nil {
			return nil, nil, err
		}
	}
	scale, shift = make([]float64, len(v[0])), make([]float64, len(v[0]))
	for i := range scale {
		scale[i] = float64(v[0][i]) / math.Sqrt(float64(v[3][i])+batchNormEps)
		shift[i] = float64(v[1][i]) - scale[i]*float64(v[2][i])
	}
	return scale, shift, nil
}

// Tensors returns the factors, shifts and running statistics, of all channels.
func (l *BatchNorm) Tensors() (weight, bias, mean, variance *torch.Tensor) {
	return l.weight.T(), l.bias.T(), l.mean.T(), l.variance.T()
}

// Name returns the layer's name in PyTorch's state_dict.
func (l *BatchNorm) Name() string { return layerName(l.weight) }

// Eps returns what is added to the variance.
func (l *BatchNorm) Eps() float64 { return batchNormEps }

const batchNormEps = 1e-5 // PyTorch's default

// normalise maps channels from number first on, whose parameters part returns.
func (l *BatchNorm) normalise(sc *torch.Scope, x *torch.Tensor, mode Mode, first int, part func(*Param) *torch.Tensor) *torch.Tensor {
	switch {
	case mode.BatchNorm && mode.Again:
		return sc.BatchNormTraining(x, part(l.weight), part(l.bias), nil, nil, batchNormEps)
	case mode.BatchNorm:
		if first == 0 { // once for all channels
			l.counter.count++
		}
		return sc.BatchNormTraining(x, part(l.weight), part(l.bias), part(l.mean), part(l.variance), batchNormEps)
	}
	return sc.BatchNorm(x, part(l.weight), part(l.bias), part(l.mean), part(l.variance), batchNormEps)
}

// A LayerNorm normalizes each vector.
type LayerNorm struct {
	eps          float64
	weight, bias *Param
}

// LayerNorm adds a layer for vectors of dim features.
func (b *Builder) LayerNorm(name string, dim int, eps float64) *LayerNorm {
	b = b.In(name)
	return &LayerNorm{eps, b.add("weight", constant(1), dim), b.add("bias", constant(0), dim)}
}

// Eps returns what is added to the variance.
func (l *LayerNorm) Eps() float64 { return l.eps }

// Weight returns the factors [dim].
func (l *LayerNorm) Weight() *Param { return l.weight }

// Bias returns the bias [dim].
func (l *LayerNorm) Bias() *Param { return l.bias }

// Name returns the layer's name in PyTorch's state_dict.
func (l *LayerNorm) Name() string { return layerName(l.weight) }

// Forward maps [... dim] to the same shape.
func (l *LayerNorm) Forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return sc.LayerNorm(x, l.weight.T(), l.bias.T(), l.eps)
}

// Next frees a tensor whose successor has been computed and returns the
// successor: x = nn.Next(x, layer.Forward(sc, x)). PyTorch frees at the same
// point, when a Python variable is assigned again, and the memory allocator
// then serves the next layer from the same, still cached, pages.
func Next(used, successor *torch.Tensor) *torch.Tensor {
	if used != successor { // a layer that had nothing to do
		used.Free()
	}
	return successor
}
