// library.cpp: what libtorch is and can do here.
#include "core.hpp"

#include <ATen/Version.h>
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

}
