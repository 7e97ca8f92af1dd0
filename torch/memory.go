package torch

// #include "lt.h"
import "C"

import "fmt"

// CountMemory makes [Memory] and what is around it count the exact bytes of all
// CPU tensors from now on. It must be called before the first tensor is made, and
// slows operators that allocate by a few percent. Calling it again does nothing.
//
// What oneDNN takes from libtorch is counted, which includes the scratch memory of
// convolutions; what it and MKL take from the system is not. The resident set size
// of the process is the figure that has all.
func CountMemory() error {
	if e := take("count memory", C.lt_memory_count()); e != nil {
		return e
	}
	return nil
}

// CountingMemory reports whether CountMemory is in force.
func CountingMemory() bool { return C.lt_memory_counting() != 0 }

// LimitMemory makes every allocation fail, with [ErrOutOfMemory], that would take the
// bytes of live CPU tensors over a limit; 0 is none. Memory must be counted. What is
// in use already stays, even if it is more.
//
// Nothing is left behind by an operator that failed so, but what it had done: a
// backward pass may have added to some gradients, and BatchNorm moved its statistics.
//
// A CUDA device is not limited: its memory is, and its own allocator fails in the same way.
func LimitMemory(bytes int64) error {
	if e := take("limit memory", C.lt_memory_limit(C.int64_t(bytes))); e != nil {
		return e
	}
	return nil
}

// A Category is what memory is for. Every block is in one:
//
//   - what is allocated inside [Scope.Tagged], in that function's
//   - the gradients of leaves in Gradients, from their birth in the backward pass on,
//     also one that is only added to a gradient that is there already. Those of a
//     cast, a transposition or a slice of a leaf alone are gradients of the leaf
//   - the scratch memory of oneDNN's operators in Other, and the copies that they make
//     of weights and images in orders of their own
//   - otherwise, in Activations what an operator allocates that records for the
//     backward pass, and what the backward pass allocates: gradients of activations,
//     and temporary tensors of its operators
//   - everything else in Other: inputs, labels, random state, and the temporary
//     tensors of clipping and of the optimiser's step
//
// Which of these a block of an operator is shows when the operator has ended, and
// holds from the block's birth on: [MemoryNow] may say something else in between,
// but no peak and no trace. Views are their tensor's block. [Tensor.SetCategory]
// moves a block.
type Category int

// Categories.
const (
	Other       Category = C.LT_MEMORY_OTHER
	Weights     Category = C.LT_MEMORY_WEIGHTS     // parameters and buffers of networks
	Gradients   Category = C.LT_MEMORY_GRADIENTS   // of the weights, and what is being added to them
	Optimiser   Category = C.LT_MEMORY_OPTIMISER   // moments and counts of steps
	Activations Category = C.LT_MEMORY_ACTIVATIONS // results of layers, what is saved of them, and their gradients
)

// Categories are all of them, in the order in which they are shown.
var Categories = []Category{Weights, Gradients, Optimiser, Activations, Other}

var categoryNames = [...]string{Other: "other", Weights: "weights", Gradients: "gradients", Optimiser: "optimiser", Activations: "activations"}

func (c Category) String() string {
	if c < 0 || int(c) >= len(categoryNames) {
		return fmt.Sprintf("category %d", int(c))
	}
	return categoryNames[c]
}

// A Breakdown is the bytes of each category at one moment.
type Breakdown [C.LT_MEMORY_CATEGORIES]int64

// Total returns the bytes of all categories.
func (b Breakdown) Total() (n int64) {
	for _, v := range b {
		n += v
	}
	return n
}

// max returns the one with more bytes, b of equals.
func (b Breakdown) max(c Breakdown) Breakdown {
	if c.Total() > b.Total() {
		return c
	}
	return b
}

// Plus returns the sums of both.
func (b Breakdown) Plus(c Breakdown) Breakdown {
	for i, v := range c {
		b[i] += v
	}
	return b
}

// Memory returns the bytes of live CPU tensors, and the most there have been at
// once since the last [ResetPeak]. Both are 0 unless memory is counted.
func Memory() (current, peak int64) {
	var now, top, n C.int64_t
	C.lt_memory_stats(&now, &top, &n)
	return int64(now), int64(top)
}

// MemoryNow returns the bytes of live CPU tensors.
func MemoryNow() (b Breakdown) {
	C.lt_memory_now((*C.int64_t)(&b[0]))
	return b
}

// MemoryPeak returns what the bytes at the peak were: the first moment since the
// last [ResetPeak] with so many. It sums to the peak of [Memory], always, and names
// things by what they became: a block that has moved to another category since
// is in that one, if it is alive.
func MemoryPeak() Breakdown { return PhasePeak(anyPhase) }

// ActivationPeak returns the most bytes that were in Activations at once since
// the last [ResetPeak]. A block that left them, as gradients do, never counted.
func ActivationPeak() int64 { return int64(C.lt_memory_activation_peak()) }

// Allocations returns the number of allocations of CPU tensors so far, 0 unless
// memory is counted.
func Allocations() int64 {
	var now, top, n C.int64_t
	C.lt_memory_stats(&now, &top, &n)
	return int64(n)
}

// ResetPeak makes all peaks start from what is live now.
func ResetPeak() { C.lt_memory_reset_peak() }

// Tagged runs f, on whose way new blocks of this session are in a category.
func (sc *Scope) Tagged(c Category, f func()) {
	before := C.lt_memory_tag(C.int(c))
	defer C.lt_memory_tag(before)
	f()
}

// SetCategory moves t's memory, and that of all its views, to another category:
// from now on, and in the breakdown of the peaks and in the trace since it was
// allocated.
func (t *Tensor) SetCategory(c Category) {
	must("set category", C.lt_memory_retag(t.handle("set category"), C.int(c)))
}
