package torch

// #include "lt.h"
// uintptr_t ltSegment(uintptr_t f, int again, lt_tensor *x, lt_tensor **y);
import "C"

var opAlias = operator("aten::alias", "")

// A Segment computes a tensor of x in sc, which frees everything else that it made.
// [Scope.Checkpoint] calls it twice: in the forward pass, and with again set in the
// backward pass. Both calls must compute the same, so it draws random numbers from
// the process's generator alone, and what a training step changes beside the
// gradients, such as running statistics, it changes in the first call only.
//
// It must not change x in place, nor end its goroutine (as testing's FailNow
// does), because libtorch is waiting for it.
type Segment func(sc *Scope, x *Tensor, again bool) *Tensor

// Checkpoint returns f of x, like the call itself, but what f's operators record
// for gradients is not kept (gradient checkpointing, Chen et al. 2016): only x is,
// and the backward pass computes f again. That takes less memory, and the time of
// another forward pass of f.
//
// Gradients are equal bit by bit to those of the call itself: the second call of f
// starts from the state of the random number generators, and casts automatically,
// as the first. It runs where Backward does, which may be in another goroutine than
// this. Tensors that f uses beside x get their gradients too if they are leaves;
// they must live until then. Other tensors that take part in gradients must come
// through x.
//
// Where nothing is recorded, Checkpoint only calls f, once.
func (sc *Scope) Checkpoint(f Segment, x *Tensor) *Tensor { return sc.checkpoint(f, x, true) }

// CheckpointWithoutRandom is Checkpoint for an f that draws no random numbers: it
// saves copying the state of the generators.
func (sc *Scope) CheckpointWithoutRandom(f Segment, x *Tensor) *Tensor {
	return sc.checkpoint(f, x, false)
}

func (sc *Scope) checkpoint(f Segment, x *Tensor, random bool) *Tensor {
	sc.open("checkpoint")
	defer forgetReleased()
	handle := x.handle("checkpoint")
	if C.lt_mode_on(C.LT_MODE_NO_GRAD) != 0 {
		return sc.unrecorded(f, x)
	}
	var y *C.lt_tensor
	must("checkpoint", C.lt_checkpoint(C.lt_segment(C.ltSegment), hold(f), C.int(bit(random)), handle, &y))
	return sc.own(y)
}

func (sc *Scope) unrecorded(f Segment, x *Tensor) (y *Tensor) {
	sc.Scoped(func(sc *Scope) { y = sc.Keep(f(sc, x, false)) })
	return y
}

// ltSegment is the lt_segment of all Segments.
//
//export ltSegment
func ltSegment(f C.uintptr_t, again C.int, x *C.lt_tensor, y **C.lt_tensor) (failure C.uintptr_t) {
	defer func() { // no panic passes through C++
		if r := recover(); r != nil {
			failure = hold(r)
		}
	}()
	*y = held(f).(Segment).run(x, again != 0)
	return 0
}

// run takes x and gives a result away.
func (f Segment) run(x *C.lt_tensor, again bool) *C.lt_tensor {
	sc := NewScope()
	defer sc.Free()
	y := f(sc, sc.own(x), again)
	y.handle("checkpoint")
	if y.scope != sc { // someone else frees it
		y = sc.begin(opAlias).tensor(y).one()
	}
	sc.remove(y)
	return y.p
}

// LiveCallbacks returns the number of Segments of the process that recorded graphs
// still need, with the panics of those on their way out. Tests find leaks with it.
func LiveCallbacks() int64 {
	forgetReleased()
	return callbacks.Load()
}
