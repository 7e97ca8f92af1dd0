// error.cpp: exceptions become owned errors.
#include "core.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <string_view>

struct lt_error {
  int kind;
  std::string message;
  std::shared_ptr<const lt::Held> cause;
};

namespace lt {

namespace {

// The CPU allocator reports a failed allocation as a plain c10::Error.
bool of_memory(std::string_view message) { return message.find("can't allocate memory") != message.npos; }

int kind_of(const c10::Error &e) { return of_memory(e.what_without_backtrace()) ? LT_ERR_MEMORY : LT_ERR_INVALID; }

// TorchScript's compiler and interpreter make types of their own of all that goes
// wrong, and show where in the source, with blank lines between.
bool of_script(std::string_view message) {
  return message.find("<--- HERE") != message.npos || message.find("operation failed in the TorchScript interpreter") != message.npos;
}

lt_error *script_error(std::string message) {
  for (size_t at; (at = message.find("\n\n")) != message.npos;) message.erase(at, 1);
  return new lt_error{of_memory(message) ? LT_ERR_MEMORY : LT_ERR_INVALID, message, nullptr};
}

// Gloo throws a type whose header is not there, with its source file in front.
lt_error *other(std::string_view message) {
  if (of_script(message)) return script_error(std::string(message));
  if (message.find("/gloo/") == message.npos) return new lt_error{LT_ERR_INTERNAL, std::string(message), nullptr};
  if (message.front() == '[') message.remove_prefix(std::min(message.find("] ") + 2, message.size()));
  return new lt_error{LT_ERR_CONNECTION, std::string(message), nullptr};
}

} // namespace

lt_error *guard(c10::function_ref<void()> f) noexcept {
  try {
    f();
    return nullptr;
  } catch (const Failure &e) {
    return new lt_error{e.kind, e.what(), e.cause};
  } catch (const c10::OutOfMemoryError &e) {
    return new lt_error{LT_ERR_MEMORY, e.what_without_backtrace(), nullptr};
  } catch (const c10::NotImplementedError &e) {
    return new lt_error{LT_ERR_NOT_IMPLEMENTED, e.what_without_backtrace(), nullptr};
  } catch (const c10::DistError &e) {
    return new lt_error{LT_ERR_CONNECTION, e.what_without_backtrace(), nullptr};
  } catch (const c10::Error &e) {
    return new lt_error{kind_of(e), e.what_without_backtrace(), nullptr};
  } catch (const std::bad_alloc &) {
    return new lt_error{LT_ERR_MEMORY, "out of memory", nullptr};
  } catch (const std::exception &e) {
    return other(e.what());
  } catch (...) {
    return new lt_error{LT_ERR_INTERNAL, "a C++ exception of unknown type", nullptr};
  }
}

} // namespace lt

extern "C" {

int lt_error_kind(const lt_error *e) { return e->kind; }

const char *lt_error_message(const lt_error *e) { return e->message.c_str(); }

uintptr_t lt_error_cause(const lt_error *e) { return e->cause ? e->cause->number() : 0; }

void lt_error_free(lt_error *e) { delete e; }

}
