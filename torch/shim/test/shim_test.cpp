// shim_test.cpp: the C interface used as its header says, without Go.
//
// It includes nothing of libtorch, so it sees what a caller sees. Each test is
// a function; expect prints what failed and where, and the program exits 1.
#include "lt.h"

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

namespace {

int failures = 0;

#define expect(condition) expect_at(condition, #condition, __LINE__)
void expect_at(bool ok, const char *condition, int line) {
  if (ok) return;
  fprintf(stderr, "shim_test.cpp:%d: not so: %s\n", line, condition);
  failures++;
}

// kind_of takes an error, which must say something, and returns its kind, 0 for none.
int kind_of(lt_error *e) {
  if (!e) return 0;
  int kind = lt_error_kind(e);
  expect(strlen(lt_error_message(e)) > 0);
  lt_error_free(e);
  return kind;
}

std::string message_of(lt_error *e) {
  std::string text = e ? lt_error_message(e) : "no error";
  lt_error_free(e);
  return text;
}

constexpr int float32 = 6;

lt_tensor *tensor(const std::vector<float> &v) {
  int64_t shape = int64_t(v.size());
  lt_tensor *t = nullptr;
  expect(kind_of(lt_from_host(v.data(), v.size() * sizeof(float), &shape, 1, float32, &t)) == 0);
  return t;
}

std::vector<float> values(const lt_tensor *t) {
  std::vector<float> v(size_t(lt_numel(t)));
  expect(kind_of(lt_copy_to_host(t, float32, v.data(), v.size() * sizeof(float))) == 0);
  return v;
}

lt_op *find(const char *name, const char *overload) {
  lt_op *op = nullptr;
  expect(kind_of(lt_op_find(name, overload, &op)) == 0);
  return op;
}

lt_arg arg(const lt_tensor *t) { return {LT_TENSOR, 0, uint64_t(reinterpret_cast<uintptr_t>(t))}; }
lt_arg arg(int64_t v) { return {LT_INT, 0, uint64_t(v)}; }
lt_tensor *tensor_of(const lt_arg &a) { return reinterpret_cast<lt_tensor *>(uintptr_t(a.bits)); }

// Before any tensor: the counting allocator comes first.
void memory_is_counted_to_the_byte() {
  expect(!lt_memory_counting());
  expect(kind_of(lt_memory_count()) == 0);
  expect(kind_of(lt_memory_count()) == 0); // again is allowed
  int64_t now, peak, n;
  lt_tensor *a = tensor(std::vector<float>(100)), *b = tensor(std::vector<float>(50));
  lt_memory_stats(&now, &peak, &n);
  expect(now == 600 && peak == 600 && n == 2);
  lt_free(a);
  lt_memory_stats(&now, &peak, &n);
  expect(now == 200 && peak == 600);
  lt_memory_reset_peak();
  lt_free(b);
  lt_memory_stats(&now, &peak, &n);
  expect(now == 0 && peak == 200 && n == 2);
}

void memory_has_categories() {
  int64_t bytes[LT_MEMORY_CATEGORIES];
  lt_memory_reset_peak();
  expect(lt_memory_tag(LT_MEMORY_WEIGHTS) == LT_MEMORY_AUTOMATIC);
  lt_tensor *a = tensor(std::vector<float>(100));
  std::thread([] { expect(lt_memory_tag(LT_MEMORY_OPTIMISER) == LT_MEMORY_AUTOMATIC); }).join();
  expect(lt_memory_tag(LT_MEMORY_AUTOMATIC) == LT_MEMORY_WEIGHTS);
  lt_tensor *b = tensor(std::vector<float>(10));
  lt_memory_now(bytes);
  expect(bytes[LT_MEMORY_WEIGHTS] == 400 && bytes[LT_MEMORY_OTHER] == 40);
  expect(kind_of(lt_memory_retag(b, LT_MEMORY_GRADIENTS)) == 0);
  expect(kind_of(lt_memory_retag(b, LT_MEMORY_CATEGORIES)) == LT_ERR_ARGUMENT);
  std::thread([b] { lt_free(b); }).join();
  expect(kind_of(lt_memory_peak(LT_PHASE_ANY, bytes)) == 0);
  expect(bytes[LT_MEMORY_WEIGHTS] == 400 && bytes[LT_MEMORY_GRADIENTS] == 40 && bytes[LT_MEMORY_OTHER] == 0);
  expect(kind_of(lt_memory_peak(LT_PHASE_UPDATE, bytes)) == 0 && bytes[LT_MEMORY_WEIGHTS] == 0);
  expect(kind_of(lt_memory_peak(LT_PHASES, bytes)) == LT_ERR_ARGUMENT);
  int before;
  expect(kind_of(lt_memory_phase(LT_PHASE_ANY, &before)) == LT_ERR_ARGUMENT);
  lt_free(a);
}

void host_copies_check_sizes() {
  lt_tensor *t = tensor({1, 2, 3});
  float two[2] = {};
  expect(kind_of(lt_copy_to_host(t, float32, two, sizeof two)) == LT_ERR_ARGUMENT);
  expect(kind_of(lt_copy_from_host(t, float32, two, sizeof two)) == LT_ERR_ARGUMENT);
  expect(kind_of(lt_copy_to_host(t, 4, two, 12)) == LT_ERR_ARGUMENT); // int64 of 12 bytes
  const float refill[3] = {4, 5, 6};
  expect(kind_of(lt_copy_from_host(t, float32, refill, sizeof refill)) == 0);
  expect(values(t) == std::vector<float>({4, 5, 6}));
  lt_free(t);
}

void tensors_are_described() {
  const int64_t shape[] = {2, 0, 3};
  lt_tensor *t = nullptr;
  expect(kind_of(lt_empty(shape, 3, 15, &t)) == 0); // bfloat16
  int64_t got[3] = {-1, -1, -1};
  lt_shape(t, got);
  expect(lt_dim(t) == 3 && memcmp(got, shape, sizeof shape) == 0);
  expect(lt_dtype(t) == 15 && lt_numel(t) == 0 && lt_nbytes(t) == 0);
  lt_free(t);
  lt_free(nullptr);
  expect(kind_of(lt_empty(shape, 3, 999, &t)) == LT_ERR_ARGUMENT);
}

void operators_are_called_by_name() {
  lt_op *add = find("aten::add", "Tensor");
  expect(strstr(lt_op_schema(add), "aten::add.Tensor(") == lt_op_schema(add));
  lt_tensor *a = tensor({1, 2}), *b = tensor({10, 20});
  lt_arg args[] = {arg(a), arg(b), arg(3)}, out[1];
  int n = -1;
  expect(kind_of(lt_call(add, args, 3, nullptr, out, 1, &n)) == 0 && n == 1 && out[0].tag == LT_TENSOR);
  expect(values(tensor_of(out[0])) == std::vector<float>({31, 62}));
  lt_free(tensor_of(out[0]));
  expect(kind_of(lt_call(add, args, 2, nullptr, out, 0, &n)) == 0 && n == 0); // the default, and the result dropped
  lt_tensor *both[] = {a, b};
  lt_free_all(both, 2);
}

void lists_come_from_the_pool_and_go_in_arrays() {
  lt_tensor *x = tensor({1, 2, 3});
  const uint64_t pool[] = {99, 2, 1}; // the list begins at word 1
  lt_arg args[] = {arg(x), {LT_INTS, 2, 1}}, out[1];
  int n = 0;
  expect(kind_of(lt_call(find("aten::split_with_sizes", ""), args, 2, pool, out, 1, &n)) == 0);
  expect(n == 1 && out[0].tag == LT_TENSORS && out[0].n == 2);
  auto **parts = reinterpret_cast<lt_tensor **>(uintptr_t(out[0].bits));
  expect(values(parts[0]) == std::vector<float>({1, 2}) && values(parts[1]) == std::vector<float>({3}));
  lt_free_all(parts, out[0].n);
  lt_array_free(parts);
  lt_free(x);
}

void errors_have_kinds_and_leave_results_alone() {
  lt_op *add = find("aten::add", "Tensor"), *none = nullptr;
  expect(kind_of(lt_op_find("aten::nonesuch", "", &none)) == LT_ERR_UNKNOWN_OP && !none);
  expect(message_of(lt_op_find("aten::relu", "x", &none)).find("only the overloads") != std::string::npos);
  lt_tensor *a = tensor({1, 2}), *b = tensor({1, 2, 3});
  lt_arg bad[] = {arg(a), arg(b)}, out[1] = {{77, 77, 77}};
  int n = 77;
  expect(kind_of(lt_call(add, bad, 2, nullptr, out, 1, &n)) == LT_ERR_INVALID && n == 77 && out[0].tag == 77);
  lt_arg text[] = {arg(a), {LT_STRING, 0, 0}}, unknown[] = {arg(a), {1234, 0, 0}};
  expect(kind_of(lt_call(add, text, 2, nullptr, out, 1, &n)) == LT_ERR_ARGUMENT);
  expect(kind_of(lt_call(add, unknown, 2, nullptr, out, 1, &n)) == LT_ERR_ARGUMENT);
  expect(kind_of(lt_call(add, bad, 1, nullptr, out, 1, &n)) == LT_ERR_ARGUMENT);
  const int64_t huge = int64_t(1) << 46;
  lt_tensor *t = nullptr;
  expect(kind_of(lt_empty(&huge, 1, float32, &t)) == LT_ERR_MEMORY && !t);
  lt_free(a);
  lt_free(b);
}

void errors_belong_to_their_owner() {
  lt_op *op = nullptr;
  lt_error *first = lt_op_find("first::one", "", &op), *second = lt_op_find("aten::relu", "second", &op);
  std::string before = lt_error_message(first);
  lt_error_free(second);
  expect(before == lt_error_message(first)); // the second did not replace it
  lt_error_free(first);
  lt_error_free(nullptr);
}

void modes_belong_to_the_thread() {
  lt_mode *outer = nullptr, *inner = nullptr;
  expect(!lt_mode_on(LT_MODE_INFERENCE) && !lt_mode_on(LT_MODE_NO_GRAD));
  expect(kind_of(lt_mode_enter(LT_MODE_NO_GRAD, &outer)) == 0);
  expect(kind_of(lt_mode_enter(LT_MODE_INFERENCE, &inner)) == 0);
  expect(lt_mode_on(LT_MODE_INFERENCE) && lt_mode_on(LT_MODE_NO_GRAD));
  std::thread([] { expect(!lt_mode_on(LT_MODE_INFERENCE) && !lt_mode_on(LT_MODE_NO_GRAD)); }).join();
  lt_mode_leave(inner);
  expect(!lt_mode_on(LT_MODE_INFERENCE) && lt_mode_on(LT_MODE_NO_GRAD));
  lt_mode_leave(outer);
  expect(!lt_mode_on(LT_MODE_NO_GRAD) && !lt_mode_on(99));
  expect(kind_of(lt_mode_enter(99, &outer)) == LT_ERR_ARGUMENT);
}

void autocast_nests() {
  lt_mode *outer = nullptr, *off = nullptr, *inner = nullptr;
  expect(lt_mode_on(LT_MODE_AUTOCAST_OFF) && !lt_mode_on(LT_MODE_AUTOCAST_BFLOAT16) && !lt_mode_on(LT_MODE_AUTOCAST_FLOAT16));
  expect(kind_of(lt_mode_enter(LT_MODE_AUTOCAST_BFLOAT16, &outer)) == 0);
  expect(lt_mode_on(LT_MODE_AUTOCAST_BFLOAT16) && !lt_mode_on(LT_MODE_AUTOCAST_FLOAT16) && !lt_mode_on(LT_MODE_AUTOCAST_OFF));
  expect(kind_of(lt_mode_enter(LT_MODE_AUTOCAST_OFF, &off)) == 0 && lt_mode_on(LT_MODE_AUTOCAST_OFF));
  expect(kind_of(lt_mode_enter(LT_MODE_AUTOCAST_FLOAT16, &inner)) == 0 && lt_mode_on(LT_MODE_AUTOCAST_FLOAT16));
  std::thread([] { expect(lt_mode_on(LT_MODE_AUTOCAST_OFF)); }).join();
  lt_mode_leave(inner);
  expect(lt_mode_on(LT_MODE_AUTOCAST_OFF));
  lt_mode_leave(off);
  expect(lt_mode_on(LT_MODE_AUTOCAST_BFLOAT16));
  lt_mode_leave(outer);
  expect(lt_mode_on(LT_MODE_AUTOCAST_OFF));
}

void threads_belong_to_the_thread() {
  expect(lt_threads_default() >= 1);
  expect(kind_of(lt_threads_set(3)) == 0 && lt_threads_get() == 3);
  std::thread([] { expect(kind_of(lt_threads_set(2)) == 0 && lt_threads_get() == 2); }).join();
  expect(lt_threads_get() == 3);
  expect(kind_of(lt_threads_set(0)) == LT_ERR_INVALID);
  expect(kind_of(lt_threads_set(lt_threads_default())) == 0);
}

void random_state_is_restored() {
  lt_tensor *state = nullptr;
  lt_op *rand = find("aten::rand", "");
  const uint64_t pool[] = {5};
  lt_arg size[] = {{LT_INTS, 1, 0}}, first[1], second[1];
  int n;
  expect(kind_of(lt_seed(3)) == 0);
  expect(kind_of(lt_random_state(-1, &state)) == 0);
  expect(kind_of(lt_call(rand, size, 1, pool, first, 1, &n)) == 0);
  expect(kind_of(lt_random_state_set(-1, state)) == 0);
  expect(kind_of(lt_call(rand, size, 1, pool, second, 1, &n)) == 0);
  expect(values(tensor_of(first[0])) == values(tensor_of(second[0])));
  for (lt_tensor *t : {state, tensor_of(first[0]), tensor_of(second[0])}) lt_free(t);
}

// square is a segment that fails in the call that f says, 0 or 1: again or not.
std::string calls;
uintptr_t square(uintptr_t f, int again, lt_tensor *x, lt_tensor **y) {
  calls += again ? 'b' : 'a';
  lt_arg args[] = {arg(x), arg(x)}, result[1];
  int n = 0;
  bool failed = f == uintptr_t(100 + again) || lt_call(find("aten::mul", "Tensor"), args, 2, nullptr, result, 1, &n);
  lt_free(x);
  if (failed) return 7;
  *y = tensor_of(result[0]);
  return 0;
}

// sum_of_squares goes forward and back, and returns the number of why it failed.
uintptr_t sum_of_squares(lt_tensor *x, uintptr_t f) {
  lt_tensor *y = nullptr;
  lt_arg args[1], result[1];
  int n = 0;
  lt_error *e = lt_checkpoint(square, f, 1, x, &y);
  if (!e) {
    args[0] = arg(y);
    expect(kind_of(lt_call(find("aten::sum", ""), args, 1, nullptr, result, 1, &n)) == 0);
    e = lt_backward(tensor_of(result[0]));
    lt_free(tensor_of(result[0]));
    lt_free(y);
  }
  uintptr_t cause = e ? lt_error_cause(e) : 0;
  expect(kind_of(e) == (cause ? LT_ERR_CALLBACK : 0));
  return cause;
}

void checkpoints_call_twice_and_release() {
  lt_tensor *x = tensor({1, 2, 3}), *grad = nullptr;
  uintptr_t released[4];
  expect(kind_of(lt_requires_grad_set(x, 1)) == 0);
  expect(sum_of_squares(x, 5) == 0 && calls == "ab");
  expect(lt_released(released, 4) == 1 && released[0] == 5);
  expect(kind_of(lt_grad(x, &grad)) == 0 && values(grad) == std::vector<float>({2, 4, 6}));
  for (uintptr_t f : {100, 101}) {
    expect(sum_of_squares(x, f) == 7);
    expect(lt_released(released, 1) == 1 && lt_released(released + 1, 4) == 1 && released[0] + released[1] == f + 7);
  }
  expect(calls == "abaab" && lt_released(released, 4) == 0);
  lt_free(grad);
  lt_free(x);
}

// A square adds up of its own time and of what it calls: both are there, once a call.
void profiles_count_operators() {
  lt_profile *p = nullptr;
  expect(kind_of(lt_profile_stop(&p)) == LT_ERR_ARGUMENT && !p);
  expect(kind_of(lt_profile_start()) == 0);
  expect(kind_of(lt_profile_start()) == LT_ERR_ARGUMENT);
  auto work = [] {
    lt_op *square = find("aten::square", "");
    lt_tensor *x = tensor({1, 2, 3});
    for (int i = 0; i < 5; i++) {
      lt_arg args[] = {arg(x)}, ret;
      int n = 0;
      expect(kind_of(lt_call(square, args, 1, nullptr, &ret, 1, &n)) == 0);
      lt_free(tensor_of(ret));
    }
    lt_free(x);
  };
  work();
  std::thread(work).join();
  expect(kind_of(lt_profile_stop(&p)) == 0);
  work(); // nobody looks
  int64_t wall = 0, busy = 0, sum = 0, squares = 0, powers = 0;
  int threads = 0;
  size_t rows = 0;
  lt_profile_totals(p, &wall, &busy, &threads, &rows);
  for (size_t i = 0; i < rows; i++) {
    int64_t calls = 0, self = 0;
    std::string name = lt_profile_row(p, i, &calls, &self);
    expect(calls > 0 && self >= 0);
    sum += self;
    if (name == "aten::square") squares = calls;
    if (name == "aten::pow") powers = calls;
  }
  expect(squares == 10 && powers == 10 && threads == 2);
  expect(0 < busy && busy <= wall && busy <= sum && sum <= 2 * busy);
  lt_profile_free(p);
  lt_profile_free(nullptr);
}

void library_says_what_it_is() {
  expect(strchr(lt_version(), '.') != nullptr);
  expect(strlen(lt_cpu_capability()) > 0);
  expect(kind_of(lt_load_cuda()) != LT_ERR_ARGUMENT); // there or not, it answers
  lt_cuda_memory memory;
  const int beyond = lt_cuda_devices();
  expect(kind_of(lt_cuda_synchronize(beyond)) == LT_ERR_ARGUMENT);
  expect(kind_of(lt_cuda_memory_reset_peaks(beyond)) == LT_ERR_ARGUMENT);
  const float number = 1;
  lt_tensor *uploaded = nullptr;
  expect(kind_of(lt_upload(&number, 1, nullptr, 0, beyond, &uploaded)) == LT_ERR_ARGUMENT && !uploaded);
  expect(kind_of(lt_cuda_memory_read(beyond, &memory)) == LT_ERR_ARGUMENT);
}

} // namespace

int main() {
  memory_is_counted_to_the_byte();
  memory_has_categories();
  host_copies_check_sizes();
  tensors_are_described();
  operators_are_called_by_name();
  lists_come_from_the_pool_and_go_in_arrays();
  errors_have_kinds_and_leave_results_alone();
  errors_belong_to_their_owner();
  modes_belong_to_the_thread();
  autocast_nests();
  threads_belong_to_the_thread();
  random_state_is_restored();
  checkpoints_call_twice_and_release();
  profiles_count_operators();
  library_says_what_it_is();
  int64_t now, peak, n;
  lt_memory_stats(&now, &peak, &n);
  expect(lt_live() == 0 && now == 0);
  if (failures == 0) printf("shim: ok\n");
  return failures != 0;
}
