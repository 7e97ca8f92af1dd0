package torch

// #include "lt.h"
import "C"

var (
	opZeros = operator("aten::zeros", "")
	opOnes  = operator("aten::ones", "")
	opFull  = operator("aten::full", "")
	opRandn = operator("aten::randn", "")
	opRand  = operator("aten::rand", "")
)

// Empty returns a tensor whose elements are not set.
func (sc *Scope) Empty(dtype DType, shape ...int64) *Tensor {
	sc.open("empty")
	var p *C.lt_tensor
	s, dims := sizes(shape)
	must("empty", C.lt_empty(s, dims, C.int(dtype), &p))
	return sc.own(p)
}

// Zeros returns a tensor of zeros.
func (sc *Scope) Zeros(dtype DType, shape ...int64) *Tensor {
	return sc.begin(opZeros).ints(shape...).int(int64(dtype)).one()
}

// Ones returns a tensor of ones.
func (sc *Scope) Ones(dtype DType, shape ...int64) *Tensor {
	return sc.begin(opOnes).ints(shape...).int(int64(dtype)).one()
}

// Full returns a tensor with every element v.
func (sc *Scope) Full(dtype DType, v float64, shape ...int64) *Tensor {
	return sc.begin(opFull).ints(shape...).float(v).int(int64(dtype)).one()
}

// Randn returns float32 numbers of the standard normal distribution.
func (sc *Scope) Randn(shape ...int64) *Tensor { return sc.begin(opRandn).ints(shape...).one() }

// Rand returns float32 numbers uniform in [0, 1).
func (sc *Scope) Rand(shape ...int64) *Tensor { return sc.begin(opRand).ints(shape...).one() }
