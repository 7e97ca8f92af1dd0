package torch

// #include "lt.h"
import "C"

// Seed starts the random number generator of the process anew: the same seed
// gives the same numbers as torch.manual_seed in Python.
func (sc *Scope) Seed(seed uint64) { must("seed", C.lt_seed(C.uint64_t(seed))) }

// RandomState returns the state of the process's CPU generator, in libtorch's
// own encoding. Sessions share the generator.
func (sc *Scope) RandomState() []byte {
	var p *C.lt_tensor
	must("random state", C.lt_random_state(&p))
	t := &Tensor{p: p}
	defer t.Free()
	state := make([]byte, t.Numel())
	if err := t.CopyUint8(state); err != nil {
		panic(err)
	}
	return state
}

// SetRandomState sets what RandomState returned.
func (sc *Scope) SetRandomState(state []byte) {
	t := sc.FromUint8(state, int64(len(state)))
	defer t.Free()
	must("set random state", C.lt_random_state_set(t.p))
}
