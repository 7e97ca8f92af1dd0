// Names of Gloo, see dist.cpp.
#pragma once
#include <chrono>
namespace gloo {
class Context {
public:
  void setTimeout(std::chrono::milliseconds);
};
namespace transport {
class UnboundBuffer;
}
} // namespace gloo
