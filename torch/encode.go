package torch

// #include "lt.h"
import "C"

import (
	"math"
	"unsafe"
)

// maxResults is more than any operator of libtorch returns.
const maxResults = 16

// A call is an operator call being made. Arguments are encoded into two flat
// arrays without Go pointers, which are used again for every call: a call
// allocates nothing but the Tensor of its result.
type call struct {
	scope   *Scope // owner of the results
	op      *Op
	args    []C.lt_arg
	pool    []C.uint64_t // elements of lists and bytes of strings
	rets    [maxResults]C.lt_arg
	nrets   C.int
	handles []*C.lt_tensor // for freeing a scope's tensors together
}

// begin starts a call whose results sc will own.
func (sc *Scope) begin(op *Op) *call {
	sc.open(op.name)
	c := sc.call
	c.scope, c.op = sc, op
	c.args, c.pool = c.args[:0], c.pool[:0]
	return c
}

func (c *call) put(tag C.uint32_t, n int, bits uint64) *call {
	c.args = append(c.args, C.lt_arg{tag: tag, n: C.uint32_t(n), bits: C.uint64_t(bits)})
	return c
}

func (c *call) none() *call           { return c.put(C.LT_NONE, 0, 0) }
func (c *call) byDefault() *call      { return c.put(C.LT_DEFAULT, 0, 0) }
func (c *call) int(v int64) *call     { return c.put(C.LT_INT, 0, uint64(v)) }
func (c *call) float(v float64) *call { return c.put(C.LT_FLOAT, 0, math.Float64bits(v)) }
func (c *call) bool(v bool) *call     { return c.put(C.LT_BOOL, 0, bit(v)) }

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// tensor adds a tensor that must be there.
func (c *call) tensor(t *Tensor) *call {
	return c.put(C.LT_TENSOR, 0, address(t.handle(c.op.name)))
}

// optional adds a tensor, or none for nil.
func (c *call) optional(t *Tensor) *call {
	if t == nil {
		return c.none()
	}
	return c.tensor(t)
}

func (c *call) object(o *Object) *call {
	return c.put(C.LT_OBJECT, 0, uint64(uintptr(unsafe.Pointer(o.handle(c.op.name)))))
}

func address(p *C.lt_tensor) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func (c *call) string(s string) *call {
	at := len(c.pool)
	for i := 0; i < len(s); i += 8 {
		var word [8]byte
		copy(word[:], s[i:])
		c.pool = append(c.pool, *(*C.uint64_t)(unsafe.Pointer(&word)))
	}
	return c.put(C.LT_STRING, len(s), uint64(at))
}

// list adds a list of n elements whose words follow from word.
func (c *call) list(tag C.uint32_t, n int, word func(i int) uint64) *call {
	at := len(c.pool)
	for i := range n {
		c.pool = append(c.pool, C.uint64_t(word(i)))
	}
	return c.put(tag, n, uint64(at))
}

func (c *call) ints(v ...int64) *call {
	return c.list(C.LT_INTS, len(v), func(i int) uint64 { return uint64(v[i]) })
}

func (c *call) dims(v ...int) *call {
	return c.list(C.LT_INTS, len(v), func(i int) uint64 { return uint64(v[i]) })
}

func (c *call) floats(v []float64) *call {
	return c.list(C.LT_FLOATS, len(v), func(i int) uint64 { return math.Float64bits(v[i]) })
}

func (c *call) bools(v []bool) *call {
	return c.list(C.LT_BOOLS, len(v), func(i int) uint64 { return bit(v[i]) })
}

// tensors adds a list; a nil element is an absent tensor.
func (c *call) tensors(v []*Tensor) *call {
	return c.list(C.LT_TENSORS, len(v), func(i int) uint64 {
		if v[i] == nil {
			return 0
		}
		return address(v[i].handle(c.op.name))
	})
}
