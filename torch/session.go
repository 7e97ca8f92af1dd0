package torch

// #include "lt.h"
import "C"

import (
	"fmt"
	"runtime"
)

// A Session is a way to run operators. The zero value runs them with libtorch's
// default number of threads and outside inference mode.
//
// An operating-system thread keeps its own team of OpenMP threads, and changing
// their number clears oneDNN's cache of prepared kernels. So a program that
// measures runs one long session, or calls runtime.LockOSThread before several.
type Session struct {
	Threads   int  // threads one operator may use; 0: the cores of the machine, or OMP_NUM_THREADS
	Inference bool // inference mode: no bookkeeping for gradients

	// Stream is a CUDA device whose work is queued in a stream of the session's own,
	// beside that of other sessions; the CPU: in the one that they share.
	Stream Place
}

// Run calls f on one operating-system thread with the session's settings. It
// returns f's error, or the *Error that an operator panicked with. Other panics
// go on to Run's caller. In every case the scope is freed and the thread is as
// it was before.
func (s Session) Run(f func(sc *Scope) error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer recovered(&err)
	restore, err := setThreads(s.Threads)
	if err != nil {
		return err
	}
	defer restore()
	if s.Inference {
		defer enter(C.LT_MODE_INFERENCE)()
	}
	if s.Stream.CUDA {
		defer enterStream(s.Stream)()
	}
	sc := NewScope()
	defer sc.Free()
	return f(sc)
}

// Try runs f with a child scope and returns the *Error that an operator panicked
// with. Nothing of f's scope is left then, so that its work can be done again in
// another way, as after running out of memory.
func (sc *Scope) Try(f func(sc *Scope)) (err error) {
	defer recovered(&err)
	sc.Scoped(f)
	return nil
}

// recovered turns a panic with *Error into *err.
func recovered(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		*err = r
	default:
		panic(r)
	}
}

// enter puts the locked thread into a mode and returns the function that
// leaves it.
func enter(mode C.int) (leave func()) {
	var m *C.lt_mode
	must("enter mode", C.lt_mode_enter(mode, &m))
	return func() { C.lt_mode_leave(m) }
}

// InferenceMode runs f in inference mode: no bookkeeping for gradients, and
// what is made in it can never take part in them.
func (sc *Scope) InferenceMode(f func()) {
	defer enter(C.LT_MODE_INFERENCE)()
	f()
}

// NoGrad runs f without recording operations for gradients.
func (sc *Scope) NoGrad(f func()) {
	defer enter(C.LT_MODE_NO_GRAD)()
	f()
}

// Autocast runs f with operators that choose the types of floats they work in:
// products of matrices and convolutions cast float32 to dtype, which is BFloat16 or
// Float16; losses and what else needs it cast to Float32; others take what they get,
// and an operator of both types works in the longer one. Float32 switches the choice
// off, also inside of a scope that has it on.
//
// The forward pass and the loss belong in the scope. The backward pass works in the
// types of the forward pass wherever it runs; gradients have the types of their
// leaves. The optimiser comes after the scope: the casts of weights are kept until
// the outermost one ends. For the same reason a pass without gradients and one with
// them need a scope each.
func (sc *Scope) Autocast(dtype DType, f func()) {
	mode, ok := autocastModes[dtype]
	if !ok {
		panic(&Error{Op: "autocast", Kind: ErrArgument, Message: fmt.Sprintf("%v, want bfloat16 or float16, or float32 for none", dtype)})
	}
	defer enter(mode)()
	f()
}

var autocastModes = map[DType]C.int{
	Float32:  C.LT_MODE_AUTOCAST_OFF,
	BFloat16: C.LT_MODE_AUTOCAST_BFLOAT16,
	Float16:  C.LT_MODE_AUTOCAST_FLOAT16,
}

// Autocasting returns the type of the Autocast scope that the thread is in,
// Float32 outside of all.
func (sc *Scope) Autocasting() DType {
	for _, dtype := range []DType{BFloat16, Float16} {
		if C.lt_mode_on(autocastModes[dtype]) != 0 {
			return dtype
		}
	}
	return Float32
}

// DefaultThreads is the number of threads of a session that sets none.
func DefaultThreads() int { return int(C.lt_threads_default()) }

// Threads returns the number of threads that operators of this session use.
func (sc *Scope) Threads() int { return int(C.lt_threads_get()) }

// Rest ends the idle threads of the session's team; its next operator starts them
// again. It is for sessions that stay open beside one that works: idle threads count
// when OpenMP compares threads with processors, and where they are too many, threads
// that do work sleep after every operator instead of waiting awake for the next one.
func (sc *Scope) Rest() {
	must("rest", C.lt_threads_rest())
}

// setThreads sets the number of threads of the locked thread and reads it back.
func setThreads(n int) (restore func(), err error) {
	if n == 0 {
		n = DefaultThreads()
	}
	before := int(C.lt_threads_get())
	if n == before {
		return func() {}, nil
	}
	if n < 0 {
		return nil, &Error{Op: "session", Kind: ErrArgument, Message: fmt.Sprintf("%d threads; want 1 or more, or 0 for the default", n)}
	}
	if e := C.lt_threads_set(C.int(n)); e != nil {
		return nil, take("session", e)
	}
	restore = func() { C.lt_threads_set(C.int(before)) }
	if got := int(C.lt_threads_get()); got != n {
		restore()
		return nil, &Error{Op: "session", Kind: ErrInternal, Message: fmt.Sprintf("asked for %d threads, libtorch uses %d", n, got)}
	}
	return restore, nil
}
