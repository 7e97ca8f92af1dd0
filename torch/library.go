package torch

// #include "lt.h"
import "C"

// Version returns libtorch's version, for example 2.11.0.
func Version() string { return C.GoString(C.lt_version()) }

// CPUCapability returns the instruction set that libtorch's own kernels use
// here, for example AVX512.
func CPUCapability() string { return C.GoString(C.lt_cpu_capability()) }

// LoadCUDA opens libtorch's CUDA part, which registers the devices it finds. The
// error says why there is none.
func LoadCUDA() error {
	if e := take("load CUDA", C.lt_load_cuda()); e != nil {
		return e
	}
	return nil
}
