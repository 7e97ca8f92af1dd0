package torch

// Layers of networks, in evaluation form. N is the batch, C channels, H and W
// height and width, L a sequence, E and D features.

var (
	opConv2D       = operator("aten::conv2d", "")
	opConv2DShort  = operator("lensbench::conv2d_bfloat16", "")
	opBatchNorm    = operator("aten::batch_norm", "")
	opLayerNorm    = operator("aten::layer_norm", "")
	opLinear       = operator("aten::linear", "")
	opMaxPool2D    = operator("aten::max_pool2d", "")
	opAdaptivePool = operator("aten::adaptive_avg_pool2d", "")
	opAttention    = operator("aten::scaled_dot_product_attention", "")
	opReLU         = operator("aten::relu", "")
	opReLUInPlace  = operator("aten::relu_", "")
	opGELU         = operator("aten::gelu", "")
	opSigmoid      = operator("aten::sigmoid", "")
	opSoftmax      = operator("aten::softmax", "int")
	opBilinear     = operator("aten::upsample_bilinear2d", "")
	opBilinearAA   = operator("aten::_upsample_bilinear2d_aa", "")
	opBicubic      = operator("aten::upsample_bicubic2d", "")
)

// Conv are the options of a convolution; pairs are height, width. The zero
// value is stride 1, no padding, no dilation and one group.
type Conv struct {
	Stride   [2]int // {0, 0}: 1, 1
	Padding  [2]int
	Dilation [2]int // {0, 0}: 1, 1
	Groups   int    // 0: 1
}

// Conv2D convolves x [N C H W] with weight [K C/groups h w] and adds bias [K],
// which may be nil, to [N K H' W'].
//
// Where [Scope.Autocast] makes it one in bfloat16, a convolution with channels last
// and N H' W' ≤ 2 K is computed on CPUs as a product of matrices, in a third of the
// time that libtorch's own takes. Its sums are as exact, but for the gradient of x:
// that adds up h·w values which are rounded to bfloat16 each.
func (sc *Scope) Conv2D(x, weight, bias *Tensor, o Conv) *Tensor {
	stride, dilation := orOnes(o.Stride), orOnes(o.Dilation)
	if bias == nil && dilation == [2]int{1, 1} && o.Groups <= 1 && sc.Autocasting() == BFloat16 {
		return sc.begin(opConv2DShort).tensor(x).tensor(weight).dims(stride[:]...).dims(o.Padding[:]...).one()
	}
	return sc.begin(opConv2D).tensor(x).tensor(weight).optional(bias).
		dims(stride[:]...).dims(o.Padding[:]...).dims(dilation[:]...).int(int64(max(o.Groups, 1))).one()
}

func orOnes(pair [2]int) [2]int {
	if pair == [2]int{} {
		return [2]int{1, 1}
	}
	return pair
}

// BatchNorm normalizes x [N C ...] with the given mean and variance [C] and
// applies weight and bias [C], each of which may be nil.
func (sc *Scope) BatchNorm(x, weight, bias, mean, variance *Tensor, eps float64) *Tensor {
	return sc.batchNorm(x, weight, bias, mean, variance, eps, false)
}

func (sc *Scope) batchNorm(x, weight, bias, mean, variance *Tensor, eps float64, training bool) *Tensor {
	const momentum = 0.1 // of the running statistics; PyTorch's default
	return sc.begin(opBatchNorm).tensor(x).optional(weight).optional(bias).optional(mean).optional(variance).
		bool(training).float(momentum).float(eps).bool(true).one()
}

// LayerNorm normalizes x [... D] over its last dimensions, those of weight, and
// applies weight and bias [D].
func (sc *Scope) LayerNorm(x, weight, bias *Tensor, eps float64) *Tensor {
	c := sc.begin(opLayerNorm).tensor(x)
	return c.ints(weight.Shape()...).tensor(weight).optional(bias).float(eps).bool(true).one()
}

// Linear maps x [... D] with weight [E D] and bias [E], which may be nil, to
// [... E].
func (sc *Scope) Linear(x, weight, bias *Tensor) *Tensor {
	return sc.begin(opLinear).tensor(x).tensor(weight).optional(bias).one()
}

// Pool are the options of a pooling; pairs are height, width.
type Pool struct {
	Kernel  [2]int
	Stride  [2]int // {0, 0}: as the kernel
	Padding [2]int // at most half the kernel
}

// MaxPool2D takes the largest of each window of x [N C H W], to [N C H' W'].
func (sc *Scope) MaxPool2D(x *Tensor, o Pool) *Tensor {
	stride := o.Stride
	if stride == [2]int{} {
		stride = o.Kernel
	}
	return sc.begin(opMaxPool2D).tensor(x).dims(o.Kernel[:]...).dims(stride[:]...).dims(o.Padding[:]...).dims(1, 1).bool(false).one()
}

// AdaptiveAvgPool2D averages x [N C H W] over windows that divide it evenly, to
// [N C height width].
func (sc *Scope) AdaptiveAvgPool2D(x *Tensor, height, width int) *Tensor {
	return sc.begin(opAdaptivePool).tensor(x).dims(height, width).one()
}

// ScaledDotProductAttention returns softmax(q kᵀ/√D) v for q [... L D],
// k [... S D] and v [... S E]: [... L E]. No size may be 0.
func (sc *Scope) ScaledDotProductAttention(q, k, v *Tensor) *Tensor {
	c := sc.begin(opAttention).tensor(q).tensor(k).tensor(v)
	if q.Numel() == 0 || k.Numel() == 0 || v.Numel() == 0 { // libtorch divides by the sizes: SIGFPE
		panic(&Error{Op: c.String(), Kind: ErrInvalid, Message: "attention over nothing"})
	}
	return c.one()
}

// ReLU returns max(x, 0).
func (sc *Scope) ReLU(x *Tensor) *Tensor { return sc.begin(opReLU).tensor(x).one() }

// ReLUInPlace sets x to max(x, 0) and returns x.
func (sc *Scope) ReLUInPlace(x *Tensor) *Tensor {
	sc.begin(opReLUInPlace).tensor(x).do()
	return x
}

// GELU returns x Φ(x), Φ the normal distribution function, computed exactly.
func (sc *Scope) GELU(x *Tensor) *Tensor { return sc.begin(opGELU).tensor(x).one() }

// Sigmoid returns 1/(1+exp(−x)).
func (sc *Scope) Sigmoid(x *Tensor) *Tensor { return sc.begin(opSigmoid).tensor(x).one() }

// Softmax returns exp(x) over its sum along dim.
func (sc *Scope) Softmax(x *Tensor, dim int) *Tensor {
	return sc.begin(opSoftmax).tensor(x).int(int64(dim)).one()
}

// UpsampleBilinear2D resizes x [N C H W] to [N C height width] by linear
// interpolation between the centres of pixels, which stay unaligned with the
// corners. It skips pixels where it shrinks.
func (sc *Scope) UpsampleBilinear2D(x *Tensor, height, width int) *Tensor {
	return sc.resize(opBilinear, x, height, width)
}

// UpsampleBilinear2DAntialias is UpsampleBilinear2D that averages over all pixels
// where it shrinks.
func (sc *Scope) UpsampleBilinear2DAntialias(x *Tensor, height, width int) *Tensor {
	return sc.resize(opBilinearAA, x, height, width)
}

// UpsampleBicubic2D is UpsampleBilinear2D with cubic convolution (a = −0.75).
func (sc *Scope) UpsampleBicubic2D(x *Tensor, height, width int) *Tensor {
	return sc.resize(opBicubic, x, height, width)
}

func (sc *Scope) resize(op *Op, x *Tensor, height, width int) *Tensor {
	return sc.begin(op).tensor(x).dims(height, width).bool(false).none().none().one()
}
