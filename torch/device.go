package torch

// #include "lt.h"
import "C"

import (
	"errors"
	"fmt"
)

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

// index is the place's in the shim's words: the CPU has one below 0.
func (p Place) index() C.int {
	if !p.CUDA {
		return -1
	}
	return C.int(p.Index)
}

// ErrNoDevice says that there is no device of the kind that is asked for, or too few.
var ErrNoDevice = errors.New("no such device here")

// CUDAPlaces opens libtorch's CUDA part and returns the places of the devices that it
// sees, at least one. Without any, the error is an ErrNoDevice that says why. It comes
// before the first [Scope.Seed] of the process, which finds out what generators there
// are once and for all.
func CUDAPlaces() ([]Place, error) {
	if err := LoadCUDA(); err != nil {
		return nil, fmt.Errorf("device cuda: %w: %w", ErrNoDevice, err)
	}
	n := CUDADevices()
	if n == 0 {
		return nil, fmt.Errorf("device cuda: %w: libtorch sees none", ErrNoDevice)
	}
	places := make([]Place, n)
	for i := range places {
		places[i] = Place{CUDA: true, Index: i}
	}
	return places, nil
}

// Synchronize waits until all work has been done that was queued at p. On the CPU
// operators have done theirs when they return.
func (sc *Scope) Synchronize(p Place) {
	sc.open("synchronize")
	if p.CUDA {
		must("synchronize "+p.String(), C.lt_cuda_synchronize(p.index()))
	}
}

// A DeviceMemory is what the caching allocator of a CUDA device has given out, in bytes.
type DeviceMemory struct {
	Allocated, AllocatedPeak int64 // of tensors, in the allocator's blocks
	Reserved, ReservedPeak   int64 // taken from the driver
	Failures                 int64 // allocations that failed so far, with an empty cache, too
}

// DeviceMemory returns that of a device that has had a tensor, with the peaks since
// ResetDevicePeaks.
func (sc *Scope) DeviceMemory(p Place) DeviceMemory {
	sc.open("device memory")
	var m C.lt_cuda_memory
	must("memory of "+p.String(), C.lt_cuda_memory_read(p.index(), &m))
	return DeviceMemory{int64(m.allocated), int64(m.allocated_peak), int64(m.reserved), int64(m.reserved_peak), int64(m.failures)}
}

// ResetDevicePeaks makes a device's peaks start from what is there now.
func (sc *Scope) ResetDevicePeaks(p Place) {
	sc.open("reset device peaks")
	must("reset peaks of "+p.String(), C.lt_cuda_memory_reset_peaks(p.index()))
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

// Upload is [Scope.FromFloat32] at a place. To a CUDA device the numbers go by way of
// pinned memory, which libtorch keeps and uses again: the copy is queued behind the
// device's other work, and the caller goes on, free to change data.
func (sc *Scope) Upload(p Place, data []float32, shape ...int64) *Tensor {
	if !p.CUDA {
		return sc.FromFloat32(data, shape...)
	}
	sc.open("upload")
	var out *C.lt_tensor
	memory, _ := span(data)
	s, dims := sizes(shape)
	must("upload to "+p.String(), C.lt_upload((*C.float)(memory), C.size_t(len(data)), s, dims, C.int(p.Index), &out))
	return sc.own(out)
}

// enterStream has the locked thread queue its work on a CUDA device in a stream of its
// own.
func enterStream(p Place) (leave func()) {
	var s *C.lt_stream
	must("stream of "+p.String(), C.lt_stream_enter(C.int(p.Index), &s))
	return func() { C.lt_stream_leave(s) }
}
