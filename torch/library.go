package torch

// #include "lt.h"
import "C"

// Version returns libtorch's version, for example 2.11.0.
func Version() string { return C.GoString(C.lt_version()) }

// CPUCapability returns the instruction set that libtorch's own kernels use
// here, for example AVX512.
func CPUCapability() string { return C.GoString(C.lt_cpu_capability()) }

// KeepPages makes the C library keep the memory of freed tensors for the next
// ones, of tensors up to that many bytes, 32 MiB at most.
func KeepPages(largest int) { C.lt_keep_pages(C.size_t(largest)) }

// LoadCUDA opens libtorch's CUDA part, which registers the devices it finds. The
// error says why there is none.
func LoadCUDA() error {
	if e := take("load CUDA", C.lt_load_cuda()); e != nil {
		return e
	}
	return nil
}
