package torch

// #include "lt.h"
import "C"

import (
	"fmt"
	"math"
	"strings"
	"unsafe"
)

// String shows the call with the shapes of its tensors, for errors:
// aten::add.Tensor(float32[2 3], float32[4]).
func (c *call) String() string {
	args := make([]string, len(c.args))
	for i := range c.args {
		args[i] = c.describe(&c.args[i])
	}
	return c.op.name + "(" + strings.Join(args, ", ") + ")"
}

func (c *call) describe(a *C.lt_arg) string {
	switch a.tag {
	case C.LT_NONE:
		return "none"
	case C.LT_DEFAULT:
		return "default"
	case C.LT_TENSOR:
		return describe(pointer(a))
	case C.LT_INT:
		return fmt.Sprint(int64(a.bits))
	case C.LT_FLOAT:
		return fmt.Sprint(math.Float64frombits(uint64(a.bits)))
	case C.LT_BOOL:
		return fmt.Sprint(a.bits != 0)
	case C.LT_VALUE:
		return fmt.Sprintf("value %d", int64(a.bits))
	case C.LT_OBJECT:
		return "object"
	}
	return c.describeList(a.tag, c.pool[a.bits:], int(a.n))
}

func (c *call) describeList(tag C.uint32_t, words []C.uint64_t, n int) string {
	if tag == C.LT_STRING {
		return fmt.Sprintf("%q", unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n))
	}
	elements := make([]string, n)
	for i := range elements {
		element := C.lt_arg{tag: elementTag(tag, words[i]), bits: words[i]}
		elements[i] = c.describe(&element)
	}
	return "[" + strings.Join(elements, " ") + "]"
}

func elementTag(list C.uint32_t, word C.uint64_t) C.uint32_t {
	switch {
	case list == C.LT_INTS:
		return C.LT_INT
	case list == C.LT_FLOATS:
		return C.LT_FLOAT
	case list == C.LT_BOOLS:
		return C.LT_BOOL
	case list == C.LT_VALUES:
		return C.LT_VALUE
	case word == 0:
		return C.LT_NONE
	}
	return C.LT_TENSOR
}
