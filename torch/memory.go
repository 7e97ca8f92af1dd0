package torch

// #include "lt.h"
import "C"

// CountMemory makes [Memory] count the exact bytes of all CPU tensors from now
// on. It must be called before the first tensor is made, and slows operators
// that allocate by a few percent. Calling it again does nothing.
//
// Scratch memory inside oneDNN and MKL is not counted; the resident set size of
// the process is the figure that has it.
func CountMemory() error {
	if e := take("count memory", C.lt_memory_count()); e != nil {
		return e
	}
	return nil
}

// CountingMemory reports whether CountMemory is in force.
func CountingMemory() bool { return C.lt_memory_counting() != 0 }

// Memory returns the bytes of live CPU tensors, and the most there have been at
// once since the last [ResetPeak]. Both are 0 unless memory is counted.
func Memory() (current, peak int64) {
	var now, top, n C.int64_t
	C.lt_memory_stats(&now, &top, &n)
	return int64(now), int64(top)
}

// Allocations returns the number of allocations of CPU tensors so far, 0 unless
// memory is counted.
func Allocations() int64 {
	var now, top, n C.int64_t
	C.lt_memory_stats(&now, &top, &n)
	return int64(n)
}

// ResetPeak makes the peak start from what is live now.
func ResetPeak() { C.lt_memory_reset_peak() }
