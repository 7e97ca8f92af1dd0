package torchtest

// #cgo LDFLAGS: -ldl
// #define _GNU_SOURCE
// #include <dlfcn.h>
//
// typedef int (*nest)(void);
//
// // The functions of at::autocast, by the names that the compiler gives them.
// static void set(int on, int dtype) {
//   ((void (*)(signed char, _Bool))dlsym(RTLD_DEFAULT, "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb"))(0, on);
//   ((void (*)(signed char, signed char))dlsym(RTLD_DEFAULT, "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE"))(0, dtype);
// }
// static void enter(int dtype) {
//   ((nest)dlsym(RTLD_DEFAULT, "_ZN2at8autocast17increment_nestingEv"))();
//   set(1, dtype);
// }
// static void leave(void) {
//   set(0, 15);
//   if (((nest)dlsym(RTLD_DEFAULT, "_ZN2at8autocast17decrement_nestingEv"))() == 0)
//     ((void (*)(void))dlsym(RTLD_DEFAULT, "_ZN2at8autocast11clear_cacheEv"))();
// }
// static int on(void) {
//   return ((_Bool (*)(signed char))dlsym(RTLD_DEFAULT, "_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE"))(0);
// }
import "C"

import "lensbench/torch"

// Autocast runs f in a session with CPU operators that cast automatically to dtype,
// outside of another Autocast.
func Autocast(dtype torch.DType, f func()) {
	C.enter(C.int(dtype))
	defer C.leave()
	f()
}

// Autocasting says whether CPU operators of this session cast automatically.
func Autocasting() bool { return C.on() != 0 }
