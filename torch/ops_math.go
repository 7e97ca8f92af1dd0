package torch

// Arithmetic and reductions. Shapes of two operands broadcast as in NumPy.

var (
	opAdd        = operator("aten::add", "Tensor")
	opAddInPlace = operator("aten::add_", "Tensor")
	opAddScalar  = operator("aten::add", "Scalar")
	opSub        = operator("aten::sub", "Tensor")
	opMul        = operator("aten::mul", "Tensor")
	opMulScalar  = operator("aten::mul", "Scalar")
	opDiv        = operator("aten::div", "Tensor")
	opMatMul     = operator("aten::matmul", "")
	opAbs        = operator("aten::abs", "")
	opMax        = operator("aten::max", "")
	opSum        = operator("aten::sum", "")
	opMean       = operator("aten::mean", "dim")
	opVariance   = operator("aten::var", "correction")
)

// Add returns a + b.
func (sc *Scope) Add(a, b *Tensor) *Tensor { return sc.begin(opAdd).tensor(a).tensor(b).one() }

// AddInPlace adds b to a and returns a.
func (sc *Scope) AddInPlace(a, b *Tensor) *Tensor {
	sc.begin(opAddInPlace).tensor(a).tensor(b).do()
	return a
}

// AddScalar returns a + v.
func (sc *Scope) AddScalar(a *Tensor, v float64) *Tensor {
	return sc.begin(opAddScalar).tensor(a).float(v).one()
}

// Sub returns a − b.
func (sc *Scope) Sub(a, b *Tensor) *Tensor { return sc.begin(opSub).tensor(a).tensor(b).one() }

// Mul returns a b, element by element.
func (sc *Scope) Mul(a, b *Tensor) *Tensor { return sc.begin(opMul).tensor(a).tensor(b).one() }

// MulScalar returns v a.
func (sc *Scope) MulScalar(a *Tensor, v float64) *Tensor {
	return sc.begin(opMulScalar).tensor(a).float(v).one()
}

// Div returns a / b, element by element.
func (sc *Scope) Div(a, b *Tensor) *Tensor { return sc.begin(opDiv).tensor(a).tensor(b).one() }

// MatMul returns the matrix product of the last two dimensions: [... M K] times
// [... K N] is [... M N].
func (sc *Scope) MatMul(a, b *Tensor) *Tensor { return sc.begin(opMatMul).tensor(a).tensor(b).one() }

// Abs returns |x|.
func (sc *Scope) Abs(x *Tensor) *Tensor { return sc.begin(opAbs).tensor(x).one() }

// Max returns the largest element of x as a scalar tensor.
func (sc *Scope) Max(x *Tensor) *Tensor { return sc.begin(opMax).tensor(x).one() }

// Sum returns the sum of x's elements as a scalar tensor.
func (sc *Scope) Sum(x *Tensor) *Tensor { return sc.begin(opSum).tensor(x).one() }

// Mean averages x over the dimensions dims, which are dropped.
func (sc *Scope) Mean(x *Tensor, dims ...int) *Tensor {
	return sc.begin(opMean).tensor(x).dims(dims...).one()
}

// Variance returns the variance of x over dimension dim, which is dropped: the sum of
// squared differences to the mean divided by the size less correction, 0 or 1.
func (sc *Scope) Variance(x *Tensor, dim, correction int) *Tensor {
	return sc.begin(opVariance).tensor(x).dims(dim).int(int64(correction)).one()
}
