// script.cpp: modules in TorchScript: made of source text and tensors, made ready to
// be run, and kept in files that PyTorch reads and writes, too.
#include "core.hpp"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace lt;

struct lt_script {
  torch::jit::Module module;
};

namespace {

// All modules of a script are in one unit: their types have different names in it.
torch::jit::Module make(const std::string &name, const std::shared_ptr<torch::jit::CompilationUnit> &unit) {
  torch::jit::Module m(c10::QualifiedName("__torch__." + name), unit, true);
  // What freezing asks for; nothing here is for training.
  m.register_attribute("training", c10::BoolType::get(), false);
  return m;
}

// within is the module of that name within m, which is made if it is not there.
torch::jit::Module within(torch::jit::Module &m, const std::string &name) {
  if (m.hasattr(name)) return m.attr(name).toModule();
  auto child = make("Part", m._ivalue()->compilation_unit());
  m.register_module(name, child);
  return child;
}

void set(torch::jit::Module m, const std::string &name, at::Tensor t, bool buffer) {
  size_t dot = name.find('.');
  if (dot != name.npos) return set(within(m, name.substr(0, dot)), name.substr(dot + 1), std::move(t), buffer);
  if (name.empty()) throw Failure(LT_ERR_ARGUMENT, "a part of the name is empty");
  if (m.hasattr(name)) throw Failure(LT_ERR_ARGUMENT, "the name is taken");
  m.register_parameter(name, std::move(t), buffer);
}

torch::jit::Method function(const lt_script &s, const char *name) {
  auto found = s.module.find_method(name);
  if (!found) throw Failure(LT_ERR_ARGUMENT, std::string("has no function ") + name);
  return *found;
}

std::vector<at::Tensor> tensors(const at::IValue &v) {
  if (v.isTensor()) return {v.toTensor()};
  if (v.isTensorList()) return v.toTensorVector();
  if (!v.isTuple()) throw Failure(LT_ERR_NOT_IMPLEMENTED, "returns " + v.tagKind() + ", want a tensor or a tuple of tensors");
  std::vector<at::Tensor> all;
  for (const at::IValue &e : v.toTupleRef().elements()) {
    if (!e.isTensor()) throw Failure(LT_ERR_NOT_IMPLEMENTED, "returns a tuple with " + e.tagKind() + ", want tensors alone");
    all.push_back(e.toTensor());
  }
  return all;
}

} // namespace

extern "C" {

lt_error *lt_script_new(const char *name, lt_script **out) {
  return guard([&] { *out = new lt_script{make(name, std::make_shared<torch::jit::CompilationUnit>())}; });
}

lt_error *lt_script_set(lt_script *s, const char *name, const lt_tensor *t, int buffer) {
  return guard([&] { set(s->module, name, borrow(t).detach(), buffer != 0); });
}

lt_error *lt_script_define(lt_script *s, const char *source) {
  return guard([&] { s->module.define(source); });
}

lt_error *lt_script_freeze(lt_script *s) {
  return guard([&] { s->module = torch::jit::freeze(s->module); });
}

lt_error *lt_script_optimise(lt_script *s) {
  return guard([&] { s->module = torch::jit::optimize_for_inference(s->module); });
}

lt_error *lt_script_save(const lt_script *s, const char *path) {
  return guard([&] {
    std::ofstream file(path, std::ios::binary);
    if (file) s->module.save(file); // not by name, which would be in the archive, too
    if (!file.flush()) throw Failure(LT_ERR_INVALID, "cannot be written");
  });
}

lt_error *lt_script_load(const char *path, lt_script **out) {
  return guard([&] {
    auto m = torch::jit::load(path);
    m.eval();
    *out = new lt_script{std::move(m)};
  });
}

lt_error *lt_script_graph(const lt_script *s, const char *name, char **out) {
  return guard([&] { *out = strdup(function(*s, name).graph()->toString(false).c_str()); });
}

lt_error *lt_script_run(const lt_script *s, const char *name, const lt_tensor *const *in, int nin, lt_tensor **out, int max, int *n) {
  return guard([&] {
    std::vector<at::IValue> stack;
    for (int i = 0; i < nin; i++) stack.emplace_back(borrow(in[i]));
    auto results = tensors(function(*s, name)(std::move(stack)));
    if (results.size() > size_t(max)) throw Failure(LT_ERR_NOT_IMPLEMENTED, "returns " + std::to_string(results.size()) + " tensors, more than " + std::to_string(max));
    *n = int(results.size());
    for (int i = 0; i < *n; i++) out[i] = give(std::move(results[size_t(i)]));
  });
}

void lt_script_free(lt_script *s) { delete s; }

void lt_text_free(char *text) { free(text); }

}
