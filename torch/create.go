package torch

// #include "lt.h"
import "C"

var (
	opZeros     = operator("aten::zeros", "")
	opZerosLike = operator("aten::zeros_like", "")
	opOnes      = operator("aten::ones", "")
	opFull      = operator("aten::full", "")
	opRandn     = operator("aten::randn", "")
	opRand      = operator("aten::rand", "")
	opClone     = operator("aten::clone", "")
	opCopy      = operator("aten::copy_", "")
	opZero      = operator("aten::zero_", "")
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

// ZerosLike returns a tensor of zeros of x's type, shape and order in memory.
func (sc *Scope) ZerosLike(x *Tensor) *Tensor { return sc.begin(opZerosLike).tensor(x).one() }

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

// Clone returns a copy of x.
func (sc *Scope) Clone(x *Tensor) *Tensor { return sc.begin(opClone).tensor(x).none().one() }

// Copy sets the elements of dst to those of src, which has a shape that broadcasts
// to dst's, and returns dst.
func (sc *Scope) Copy(dst, src *Tensor) *Tensor {
	sc.begin(opCopy).tensor(dst).tensor(src).bool(false).do()
	return dst
}

// Zero sets all elements of x to 0 and returns x.
func (sc *Scope) Zero(x *Tensor) *Tensor {
	sc.begin(opZero).tensor(x).do()
	return x
}
