package torch

// Shapes. A view shares its memory with the tensor it is a view of. A negative
// dimension counts from the last.

var (
	opFlatten    = operator("aten::flatten", "using_ints")
	opReshape    = operator("aten::reshape", "")
	opView       = operator("aten::view", "")
	opPermute    = operator("aten::permute", "")
	opTranspose  = operator("aten::transpose", "int")
	opSelect     = operator("aten::select", "int")
	opNarrow     = operator("aten::narrow", "")
	opSlice      = operator("aten::slice", "Tensor")
	opSplit      = operator("aten::split", "Tensor")
	opCat        = operator("aten::cat", "")
	opExpand     = operator("aten::expand", "")
	opSqueeze    = operator("aten::squeeze", "dim")
	opUnsqueeze  = operator("aten::unsqueeze", "")
	opContiguous = operator("aten::contiguous", "")
	opTo         = operator("aten::to", "dtype")
)

// Flatten makes one dimension of the dimensions start to end, both included; a
// view where that is possible.
func (sc *Scope) Flatten(x *Tensor, start, end int) *Tensor {
	return sc.begin(opFlatten).tensor(x).int(int64(start)).int(int64(end)).one()
}

// Reshape returns x in another shape; one size may be −1. It is a view where
// that is possible, else a copy.
func (sc *Scope) Reshape(x *Tensor, shape ...int64) *Tensor {
	return sc.begin(opReshape).tensor(x).ints(shape...).one()
}

// View is Reshape that fails where a copy would be needed.
func (sc *Scope) View(x *Tensor, shape ...int64) *Tensor {
	return sc.begin(opView).tensor(x).ints(shape...).one()
}

// Permute returns a view whose dimension i is x's dimension dims[i].
func (sc *Scope) Permute(x *Tensor, dims ...int) *Tensor {
	return sc.begin(opPermute).tensor(x).dims(dims...).one()
}

// Transpose returns a view with dimensions a and b exchanged.
func (sc *Scope) Transpose(x *Tensor, a, b int) *Tensor {
	return sc.begin(opTranspose).tensor(x).int(int64(a)).int(int64(b)).one()
}

// Select returns a view of position index of dimension dim, which is dropped.
func (sc *Scope) Select(x *Tensor, dim int, index int64) *Tensor {
	return sc.begin(opSelect).tensor(x).int(int64(dim)).int(index).one()
}

// Narrow returns a view of length positions of dimension dim from start on.
func (sc *Scope) Narrow(x *Tensor, dim int, start, length int64) *Tensor {
	return sc.begin(opNarrow).tensor(x).int(int64(dim)).int(start).int(length).one()
}

// Slice returns a view of every step-th position from start up to end, not
// included, of dimension dim. An end beyond the size is the size.
func (sc *Scope) Slice(x *Tensor, dim int, start, end, step int64) *Tensor {
	return sc.begin(opSlice).tensor(x).int(int64(dim)).int(start).int(end).int(step).one()
}

// Split returns views of size positions each of dimension dim; the last has what is
// left.
func (sc *Scope) Split(x *Tensor, dim int, size int64) []*Tensor {
	return sc.CallN(opSplit, x, size, dim)
}

// Cat joins tensors along dimension dim; the other sizes are equal.
func (sc *Scope) Cat(dim int, tensors ...*Tensor) *Tensor {
	return sc.begin(opCat).tensors(tensors).int(int64(dim)).one()
}

// Expand returns a view in which dimensions of size 1 are repeated to shape; −1
// leaves a size as it is.
func (sc *Scope) Expand(x *Tensor, shape ...int64) *Tensor {
	return sc.begin(opExpand).tensor(x).ints(shape...).one()
}

// Squeeze returns a view without dimension dim, if its size is 1.
func (sc *Scope) Squeeze(x *Tensor, dim int) *Tensor {
	return sc.begin(opSqueeze).tensor(x).int(int64(dim)).one()
}

// Unsqueeze returns a view with a new dimension of size 1 at dim.
func (sc *Scope) Unsqueeze(x *Tensor, dim int) *Tensor {
	return sc.begin(opUnsqueeze).tensor(x).int(int64(dim)).one()
}

// Contiguous returns x in row-major order: x itself if it is, else a copy.
func (sc *Scope) Contiguous(x *Tensor) *Tensor { return sc.begin(opContiguous).tensor(x).one() }

// ChannelsLast returns x [N C H W] with the channels of a pixel side by side in
// memory: x itself if it is so, else a copy. Convolutions and poolings of such
// images, or with such weights, have results of that order.
func (sc *Scope) ChannelsLast(x *Tensor) *Tensor {
	const channelsLast = 2 // of c10::MemoryFormat
	return sc.begin(opContiguous).tensor(x).int(channelsLast).one()
}

// To returns x with elements of another type, or x itself if they are.
func (sc *Scope) To(x *Tensor, dtype DType) *Tensor {
	return sc.begin(opTo).tensor(x).int(int64(dtype)).one()
}
