package torch

// #include "lt.h"
import "C"

import (
	"fmt"
	"strings"
)

// A Tensor is one reference to a tensor of libtorch. It belongs to the [Scope]
// that it was made in, which frees it, or after [Scope.Keep] to the caller.
//
// A tensor may be read by several sessions at once; writing to it or freeing it
// must not happen at the same time as any other use.
type Tensor struct {
	p     *C.lt_tensor // nil once freed
	scope *Scope       // owner; nil: the caller
	index int          // position among the scope's tensors
}

// handle returns the reference for a call of function name.
func (t *Tensor) handle(name string) *C.lt_tensor {
	if t == nil || t.p == nil {
		panic(freed(name, t))
	}
	return t.p
}

func freed(name string, t *Tensor) *Error {
	if t == nil {
		return &Error{Op: name, Kind: ErrArgument, Message: "tensor is nil"}
	}
	return &Error{Op: name, Kind: ErrUseAfterFree, Message: "tensor was freed, by its Free or at the end of its scope"}
}

// Free gives t's reference back before its scope ends. The memory goes when no
// view of it is left. Freeing twice does nothing.
func (t *Tensor) Free() {
	if t == nil || t.p == nil {
		return
	}
	if t.scope != nil {
		t.scope.remove(t)
	}
	C.lt_free(t.p)
	t.p = nil
}

// Shape returns the sizes of t's dimensions, none for a scalar.
func (t *Tensor) Shape() []int64 {
	shape := shapeOf(t.handle("shape"))
	return shape
}

func shapeOf(p *C.lt_tensor) []int64 {
	shape := make([]int64, C.lt_dim(p))
	if len(shape) > 0 {
		C.lt_shape(p, (*C.int64_t)(&shape[0]))
	}
	return shape
}

// DType returns the type of t's elements.
func (t *Tensor) DType() DType { return DType(C.lt_dtype(t.handle("dtype"))) }

// Numel returns the number of elements.
func (t *Tensor) Numel() int64 { return int64(C.lt_numel(t.handle("numel"))) }

// Bytes returns the size of the elements. Views share memory, so the sum over
// tensors may exceed what is allocated.
func (t *Tensor) Bytes() int64 { return int64(C.lt_nbytes(t.handle("bytes"))) }

// String describes t, not its elements: float32[8 3 64 64].
func (t *Tensor) String() string {
	switch {
	case t == nil:
		return "none"
	case t.p == nil:
		return "freed tensor"
	}
	return describe(t.p)
}

func describe(p *C.lt_tensor) string {
	var sizes []string
	for _, n := range shapeOf(p) {
		sizes = append(sizes, fmt.Sprint(n))
	}
	return DType(C.lt_dtype(p)).String() + "[" + strings.Join(sizes, " ") + "]"
}

// LiveTensors returns the number of tensors of the process that are not freed.
// Tests compare it before and after to find leaks.
func LiveTensors() int64 { return int64(C.lt_live()) }
