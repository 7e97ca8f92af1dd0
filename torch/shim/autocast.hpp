// autocast.hpp: the functions in use of <ATen/autocast_mode.h>, which includes
// all of ATen: 10 s and 1 GB of the compiler. The linker finds any difference.
#pragma once

#include <ATen/core/TensorBody.h>
#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>
#include <c10/macros/Export.h>

namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType);
TORCH_API void set_autocast_enabled(at::DeviceType, bool);
TORCH_API at::ScalarType get_autocast_dtype(at::DeviceType);
TORCH_API void set_autocast_dtype(at::DeviceType, at::ScalarType);
TORCH_API at::Tensor cached_cast(at::ScalarType, const at::Tensor &, at::DeviceType); // as operators cast their arguments
TORCH_API void clear_cache();
TORCH_API int increment_nesting(); // return the new depth
TORCH_API int decrement_nesting();
TORCH_API bool is_autocast_cache_enabled();
TORCH_API void set_autocast_cache_enabled(bool);
} // namespace at::autocast
