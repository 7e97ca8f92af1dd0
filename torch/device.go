package torch

// #include "lt.h"
import "C"

import "fmt"

// A Place is where a tensor is. The zero value is the CPU.
type Place struct {
	CUDA  bool
	Index int // of the CUDA device
}

// String names a place as PyTorch does: cpu, cuda:0.
func (p Place) String() string {
	if !p.CUDA {
		return "cpu"
	}
	return fmt.Sprintf("cuda:%d", p.Index)
}

// CUDADevices returns the number of CUDA devices that libtorch sees, 0 before
// [LoadCUDA].
func CUDADevices() int { return int(C.lt_cuda_devices()) }

// Move returns x at a place: x itself if that is the CPU, where tensors are made, else a
// copy. Operators run where their arguments are.
func (sc *Scope) Move(x *Tensor, p Place) *Tensor {
	sc.open("move")
	if !p.CUDA {
		return x
	}
	var out *C.lt_tensor
	must("move to "+p.String(), C.lt_to_cuda(x.handle("move"), C.int(p.Index), &out))
	return sc.own(out)
}

// enterStream has the locked thread queue its work on a CUDA device in a stream of its
// own.
func enterStream(p Place) (leave func()) {
	var s *C.lt_stream
	must("stream of "+p.String(), C.lt_stream_enter(C.int(p.Index), &s))
	return func() { C.lt_stream_leave(s) }
}
