package torch

// #include "lt.h"
import "C"

import "unsafe"

// An element is a Go type that libtorch stores with the same bytes.
type element interface {
	float32 | float64 | int64 | uint8 | bool
}

func dtypeOf[E element]() DType {
	var zero E
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int64:
		return Int64
	case bool:
		return Bool
	}
	return Uint8
}

// span is the memory of data; its address is nil for an empty slice.
func span[E element](data []E) (unsafe.Pointer, C.size_t) {
	var zero E
	if len(data) == 0 {
		return nil, 0
	}
	return unsafe.Pointer(&data[0]), C.size_t(len(data)) * C.size_t(unsafe.Sizeof(zero))
}

func sizes(shape []int64) (*C.int64_t, C.int) {
	if len(shape) == 0 {
		return nil, 0
	}
	return (*C.int64_t)(&shape[0]), C.int(len(shape))
}

func fromHost[E element](sc *Scope, data []E, shape []int64) *Tensor {
	sc.open("from host")
	var p *C.lt_tensor
	memory, n := span(data)
	s, dims := sizes(shape)
	must("from host", C.lt_from_host(memory, n, s, dims, C.int(dtypeOf[E]()), &p))
	return sc.own(p)
}

// FromFloat32 returns a float32 tensor with a copy of data in row-major order.
// Without a shape it is a scalar of one element.
func (sc *Scope) FromFloat32(data []float32, shape ...int64) *Tensor {
	return fromHost(sc, data, shape)
}

// FromFloat64 is FromFloat32 for float64.
func (sc *Scope) FromFloat64(data []float64, shape ...int64) *Tensor {
	return fromHost(sc, data, shape)
}

// FromInt64 is FromFloat32 for int64.
func (sc *Scope) FromInt64(data []int64, shape ...int64) *Tensor { return fromHost(sc, data, shape) }

// FromUint8 is FromFloat32 for uint8.
func (sc *Scope) FromUint8(data []uint8, shape ...int64) *Tensor { return fromHost(sc, data, shape) }

// FromBool is FromFloat32 for bool.
func (sc *Scope) FromBool(data []bool, shape ...int64) *Tensor { return fromHost(sc, data, shape) }

// CopyFrom fills dst, a float32 tensor of len(src) elements, in place: an input
// buffer that is used again.
func (sc *Scope) CopyFrom(dst *Tensor, src []float32) {
	memory, n := span(src)
	must("copy from host", C.lt_copy_from_host(dst.handle("copy from host"), C.int(Float32), memory, n))
}

func toHost[E element](t *Tensor, dst []E) error {
	if t == nil || t.p == nil {
		return freed("copy to host", t)
	}
	memory, n := span(dst)
	if e := take("copy to host", C.lt_copy_to_host(t.p, C.int(dtypeOf[E]()), memory, n)); e != nil {
		return e
	}
	return nil
}

// CopyFloat32 copies t, a tensor of len(dst) elements, to dst in row-major order. t is
// of float32, or of bfloat16 or float16, all of whose values are float32 ones, too.
func (t *Tensor) CopyFloat32(dst []float32) error { return toHost(t, dst) }

// CopyFloat64 is CopyFloat32 for a float64 tensor.
func (t *Tensor) CopyFloat64(dst []float64) error { return toHost(t, dst) }

// CopyInt64 is CopyFloat32 for an int64 tensor.
func (t *Tensor) CopyInt64(dst []int64) error { return toHost(t, dst) }

// CopyUint8 is CopyFloat32 for a uint8 tensor.
func (t *Tensor) CopyUint8(dst []uint8) error { return toHost(t, dst) }

// CopyBool is CopyFloat32 for a bool tensor.
func (t *Tensor) CopyBool(dst []bool) error { return toHost(t, dst) }
