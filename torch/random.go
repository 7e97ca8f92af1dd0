package torch

// #include "lt.h"
import "C"

// Seed starts the random number generators of the process anew, those of CUDA devices,
// too: the same seed gives the same numbers as torch.manual_seed in Python.
func (sc *Scope) Seed(seed uint64) { must("seed", C.lt_seed(C.uint64_t(seed))) }

// RandomState returns the state of the process's generator of random numbers at a
// place, in libtorch's own encoding. Sessions share the generator.
func (sc *Scope) RandomState(at Place) []byte {
	var p *C.lt_tensor
	must("random state of "+at.String(), C.lt_random_state(at.index(), &p))
	t := &Tensor{p: p}
	defer t.Free()
	state := make([]byte, t.Numel())
	if err := t.CopyUint8(state); err != nil {
		panic(err)
	}
	return state
}

// SetRandomState sets what RandomState returned.
func (sc *Scope) SetRandomState(at Place, state []byte) {
	t := sc.FromUint8(state, int64(len(state)))
	defer t.Free()
	must("set random state of "+at.String(), C.lt_random_state_set(at.index(), t.p))
}
