// library.cpp: what libtorch is and can do here.
#include "core.hpp"

#include <ATen/Version.h>
#include <cstdlib>
#include <dlfcn.h>
#include <torch/headeronly/version.h>

using namespace lt;

extern "C" {

const char *lt_version(void) { return TORCH_VERSION; }

const char *lt_cpu_capability(void) {
  static const std::string name = at::get_cpu_capability();
  return name.c_str();
}

lt_error *lt_load_cuda(void) {
  return guard([&] {
    if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) throw Failure(LT_ERR_INTERNAL, dlerror());
  });
}

// It is the C library's own affair, and not counted as the memory of a tensor.
// The pointer is volatile, or the compiler would see that nothing happens.
void lt_keep_pages(size_t largest) {
  void *volatile p = malloc(largest);
  free(p);
}

}
