package torch

// #include "lt.h"
import "C"

import (
	"runtime/cgo"
	"sync/atomic"
)

// The shim holds functions, and the reasons of their failures, by number. When it
// needs one no longer it cannot call Go, because graphs are freed in the middle of
// anything; so Go asks.

var callbacks atomic.Int64 // handles that the shim holds, or has released since Go last asked

func hold(v any) C.uintptr_t {
	callbacks.Add(1)
	return C.uintptr_t(cgo.NewHandle(v))
}

func held(n C.uintptr_t) any { return cgo.Handle(n).Value() }

// forgetReleased drops what the shim needs no longer.
func forgetReleased() {
	if callbacks.Load() == 0 {
		return
	}
	var numbers [64]C.uintptr_t
	for {
		n := C.lt_released(&numbers[0], C.size_t(len(numbers)))
		for _, number := range numbers[:n] {
			cgo.Handle(number).Delete()
			callbacks.Add(-1)
		}
		if int(n) < len(numbers) {
			return
		}
	}
}
