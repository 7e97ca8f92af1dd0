// Names of Gloo, see dist.cpp.
#pragma once
namespace gloo::transport {
class Device;
class UnboundBuffer;
} // namespace gloo::transport
