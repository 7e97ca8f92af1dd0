package torch

// #include "lt.h"
// #cgo noescape lt_call
// #cgo nocallback lt_call
import "C"

import (
	"fmt"
	"math"
	"unsafe"
)

// run makes the call and stores at most max results, which the caller takes.
func (c *call) run(max int) int {
	op := c.op.handle()
	if op == nil {
		panic(c.op.err)
	}
	var args *C.lt_arg
	if len(c.args) > 0 {
		args = &c.args[0]
	}
	var pool *C.uint64_t
	if len(c.pool) > 0 {
		pool = &c.pool[0]
	}
	e := C.lt_call(op, args, C.int(len(c.args)), pool, &c.rets[0], C.int(max), &c.nrets)
	if e != nil {
		panic(take(c.String(), e))
	}
	return int(c.nrets)
}

// do makes the call and drops its results: for operators in place.
func (c *call) do() { c.run(0) }

// one makes the call and returns its first result, nil if that is no tensor.
func (c *call) one() *Tensor {
	if c.run(1) == 0 {
		return nil
	}
	if c.rets[0].tag != C.LT_TENSOR {
		if o, ok := c.result(&c.rets[0]).(*Object); ok { // nobody else's
			o.Free()
		}
		return nil
	}
	return c.scope.own(pointer(&c.rets[0]))
}

func pointer(r *C.lt_arg) *C.lt_tensor { return *(**C.lt_tensor)(unsafe.Pointer(&r.bits)) }

// all makes the call and returns every result.
func (c *call) all() []any {
	var results []any
	for i := range c.run(maxResults) {
		results = append(results, c.result(&c.rets[i]))
	}
	return results
}

func (c *call) result(r *C.lt_arg) any {
	switch r.tag {
	case C.LT_TENSOR:
		return c.scope.own(pointer(r))
	case C.LT_INT:
		return int64(r.bits)
	case C.LT_FLOAT:
		return math.Float64frombits(uint64(r.bits))
	case C.LT_BOOL:
		return r.bits != 0
	case C.LT_TENSORS:
		return c.ownList(r)
	case C.LT_OBJECT:
		return &Object{*(**C.lt_object)(unsafe.Pointer(&r.bits))}
	}
	return nil
}

func (c *call) ownList(r *C.lt_arg) []*Tensor {
	array := *(***C.lt_tensor)(unsafe.Pointer(&r.bits))
	defer C.lt_array_free(array)
	var list []*Tensor
	for _, p := range unsafe.Slice(array, int(r.n)) {
		list = append(list, c.scope.own(p))
	}
	return list
}

// Default stands for the default value of an argument in [Scope.Call].
var Default defaultValue

type defaultValue struct{}

// Call runs op and returns its first result, nil if that is not a tensor.
// Arguments after those given take their defaults; [Default] is a default in
// between. The types of arguments are:
//
//	nil                  none
//	*Tensor, []*Tensor   a nil *Tensor is none
//	*Object
//	int, int64, float64, bool, string, DType
//	[]int, []int64, []float64, []bool
//
// An operator that works in place returns a second reference to its argument.
func (sc *Scope) Call(op *Op, args ...any) *Tensor { return sc.begin(op).encode(args).one() }

// CallN runs op and returns its tensors, those in lists too, in order.
func (sc *Scope) CallN(op *Op, args ...any) []*Tensor {
	var tensors []*Tensor
	for _, r := range sc.CallAll(op, args...) {
		switch r := r.(type) {
		case *Tensor:
			tensors = append(tensors, r)
		case []*Tensor:
			tensors = append(tensors, r...)
		case *Object:
			r.Free()
		}
	}
	return tensors
}

// CallAll runs op and returns its results: *Tensor, []*Tensor, *Object (which the
// caller frees), int64, float64, bool or nil.
func (sc *Scope) CallAll(op *Op, args ...any) []any { return sc.begin(op).encode(args).all() }

func (c *call) encode(args []any) *call {
	for i, a := range args {
		if !c.add(a) {
			panic(&Error{Op: c.op.name, Kind: ErrArgument, Message: fmt.Sprintf("argument %d is of Go type %T, which has no counterpart in libtorch", i+1, a)})
		}
	}
	return c
}

// add encodes a and reports whether its type is known.
func (c *call) add(a any) bool {
	switch a := a.(type) {
	case nil:
		c.none()
	case *Tensor:
		c.optional(a)
	case []*Tensor:
		c.tensors(a)
	case *Object:
		c.object(a)
	case int:
		c.int(int64(a))
	case int64:
		c.int(a)
	case DType:
		c.int(int64(a))
	case float64:
		c.float(a)
	case bool:
		c.bool(a)
	case string:
		c.string(a)
	case []int:
		c.dims(a...)
	case []int64:
		c.ints(a...)
	case []float64:
		c.floats(a)
	case []bool:
		c.bools(a)
	case defaultValue:
		c.byDefault()
	default:
		return false
	}
	return true
}
