package plan

import "lensbench/torch"

// Operators of the program and of its making.
var (
	opTo          = find("aten::to", "dtype")
	opView        = find("aten::view", "")
	opReshape     = find("aten::reshape", "")
	opPermute     = find("aten::permute", "")
	opTranspose   = find("aten::transpose", "int")
	opFlatten     = find("aten::flatten", "using_ints")
	opSelect      = find("aten::select", "int")
	opSqueeze     = find("aten::squeeze", "dim")
	opExpand      = find("aten::expand", "")
	opSlice       = find("aten::slice", "Tensor")
	opCat         = find("aten::cat", "")
	opPad         = find("aten::constant_pad_nd", "")
	opUnfold      = find("aten::unfold", "")
	opAdd         = find("aten::add", "Tensor")
	opAddScalar   = find("aten::add", "Scalar")
	opMulScalar   = find("aten::mul", "Scalar")
	opClone       = find("aten::clone", "")
	opMean        = find("aten::mean", "dim")
	opReLU        = find("aten::relu", "")
	opReLUInPlace = find("aten::relu_", "")
	opGELU        = find("aten::gelu", "")
	opMaxPool     = find("aten::max_pool2d", "")
	opLayerNorm   = find("aten::layer_norm", "")
	opLinear      = find("aten::linear", "")
	opAttention   = find("aten::scaled_dot_product_attention", "")

	opReorderConv   = find("mkldnn::_reorder_convolution_weight", "")
	opConv          = find("mkldnn::_convolution_pointwise", "")
	opConvAdd       = find("mkldnn::_convolution_pointwise", "binary")
	opConvInto      = find("mkldnn::_convolution_pointwise_", "binary")
	opReorderLinear = find("mkldnn::_reorder_linear_weight", "")
	opProduct       = find("mkldnn::_linear_pointwise", "")
	opProductAdd    = find("mkldnn::_linear_pointwise", "binary")

	opEncode           = find("aten::quantize_per_tensor", "")
	opBytes            = find("aten::int_repr", "")
	opCodedMaxPool     = find("quantized::max_pool2d", "")
	opPackConv         = find("onednn::qconv_prepack", "")
	opCodedConv        = find("onednn::qconv2d_pointwise", "")
	opCodedConvInto    = find("onednn::qconv2d_pointwise", "binary")
	opPackLinear       = find("onednn::qlinear_prepack", "")
	opCodedProduct     = find("onednn::qlinear_pointwise", "")
	opCodedProductInto = find("onednn::qlinear_pointwise", "binary")
)

func find(name, overload string) *torch.Op { return torch.Named(name, overload) }
