/*
 * lt.h - libtorch behind a plain C interface.
 *
 * Everything that the library exports is declared here, and everything declared
 * here is exported; a test compares the two.
 *
 * Rules:
 *  - A function that can fail returns NULL, or an lt_error that the caller owns
 *    and frees with lt_error_free. Its out-parameters then hold nothing to free.
 *  - [owned]    the caller receives one reference and must give it back.
 *  - [borrowed] the library only looks at it during the call.
 *  - No C++ exception and no C++ type leaves the library.
 *  - Functions may be called from any thread. Modes (lt_mode_enter) and the
 *    number of threads (lt_threads_set) belong to the calling thread.
 */
#ifndef LT_H
#define LT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* The library is compiled with hidden visibility; this makes these visible. */
#pragma GCC visibility push(default)

typedef struct lt_error lt_error;
typedef struct lt_tensor lt_tensor; /* one counted reference to a tensor, not a wrapper around it */
typedef struct lt_op lt_op;         /* an operator, found once and never freed */
typedef struct lt_object lt_object;   /* a value that only operators look into, such as packed weights */
typedef struct lt_program lt_program; /* calls of operators one after another */
typedef struct lt_profile lt_profile; /* where the time of operators went */
typedef struct lt_script lt_script;   /* a module in TorchScript */
typedef struct lt_mode lt_mode;     /* a thread-local mode that is in force */
typedef struct lt_stream lt_stream;   /* a stream of a CUDA device that a thread is in */
typedef struct lt_store lt_store;     /* a connection to the store of several processes */
typedef struct lt_group lt_group;     /* connections to all other processes */
typedef struct lt_reducer lt_reducer; /* averages gradients over the processes of a group */

/* Kinds of errors. */
enum {
  LT_ERR_INVALID = 1,     /* an operator rejected its arguments: shapes, types, values */
  LT_ERR_MEMORY,          /* an allocation failed */
  LT_ERR_NOT_IMPLEMENTED, /* no kernel for these types on this device */
  LT_ERR_UNKNOWN_OP,      /* no operator of that name and overload */
  LT_ERR_ARGUMENT,        /* number or type of arguments differ from the operator's schema */
  LT_ERR_INTERNAL,        /* anything else that was thrown */
  LT_ERR_CALLBACK,        /* a function of the caller's failed: lt_error_cause has its number for why */
  LT_ERR_CONNECTION,      /* another process is gone, or did not answer in time */
};

/* Tags of arguments and results. */
enum {
  LT_NONE,        /* no value */
  LT_DEFAULT,     /* the argument's default value; arguments only */
  LT_TENSOR,      /* bits: lt_tensor pointer */
  LT_INT,         /* bits: int64_t */
  LT_FLOAT,       /* bits: double */
  LT_BOOL,        /* bits: 0 or 1 */
  LT_STRING,      /* n bytes in the pool */
  LT_INTS,        /* n int64_t in the pool */
  LT_FLOATS,      /* n double in the pool */
  LT_BOOLS,       /* n words, each 0 or 1, in the pool */
  LT_TENSORS,     /* n lt_tensor pointers in the pool; 0 is an absent tensor */
  LT_VALUE,       /* bits: number of a value; arguments of lt_program_add only */
  LT_VALUES,      /* n numbers of values in the pool, for a list of tensors; likewise */
  LT_OBJECT,      /* bits: lt_object pointer */
};

/*
 * lt_arg is an argument or a result. Lists and strings lie in a pool of 8-byte
 * words beside the arguments, and bits is the offset of their first word. So a
 * call needs two flat arrays and not one pointer of the caller's language.
 */
typedef struct lt_arg {
  uint32_t tag;
  uint32_t n; /* length of a list or string */
  uint64_t bits;
} lt_arg;

/* errors */
int lt_error_kind(const lt_error *e);
const char *lt_error_message(const lt_error *e); /* [borrowed] from e */
uintptr_t lt_error_cause(const lt_error *e);     /* held as long as e; 0 if e is of another kind */
void lt_error_free(lt_error *e);                 /* NULL is allowed */

/* operators */
lt_error *lt_op_find(const char *name, const char *overload, lt_op **out); /* same pointer for the same operator is not promised */
const char *lt_op_schema(const lt_op *op);                                 /* [borrowed] from op */
/*
 * lt_call runs op. Arguments after nargs take their defaults. At most maxrets
 * results are stored in rets [owned], the number stored in *nrets; further ones
 * are dropped. A result that is a list of tensors is stored as LT_TENSORS whose
 * bits are a pointer to n tensors [owned] in an array [owned, lt_array_free].
 */
lt_error *lt_call(const lt_op *op, const lt_arg *args, int nargs, const uint64_t *pool, lt_arg *rets, int maxrets, int *nrets);
void lt_array_free(lt_tensor **array); /* frees the array, not the tensors in it */
void lt_object_free(lt_object *o);     /* NULL is allowed */

/*
 * A program is calls of operators one after another, made ready once and run as
 * one call. Its values are numbered: its inputs first, then the first result of
 * each of its calls. A value is freed after the last call that takes it, so memory
 * serves the next call while it is still in cache. Running changes nothing in a
 * program: several threads may do it at once.
 */
lt_error *lt_program_new(int inputs, lt_program **out); /* out [owned] */
/* Arguments are as for lt_call; tensors among them belong to the program from then on, too. */
lt_error *lt_program_add(lt_program *p, const lt_op *op, const lt_arg *args, int nargs, const uint64_t *pool, int *value);
/* out [owned] is the last call's result. After an error, *failed is the number of the call that it is of, from 0; else that of calls. */
lt_error *lt_program_run(const lt_program *p, const lt_tensor *const *inputs, int n, lt_tensor **out, int *failed);
void lt_program_free(lt_program *p); /* NULL is allowed */

/*
 * A script is a module in TorchScript: tensors by name, and functions that are
 * written in that language. A dot in a tensor's name is a module within the module,
 * as in a state_dict. Running changes nothing in a script: several threads may do it
 * at once.
 */
lt_error *lt_script_new(const char *name, lt_script **out);                                     /* name of its type; out [owned] */
lt_error *lt_script_set(lt_script *s, const char *name, const lt_tensor *t, int buffer);        /* adds a parameter, or a buffer; its memory is shared */
lt_error *lt_script_define(lt_script *s, const char *source);                                   /* adds functions, whose first argument is self */
lt_error *lt_script_freeze(lt_script *s);                                                       /* tensors become constants of forward, all other functions go */
lt_error *lt_script_optimise(lt_script *s);                                                     /* freezes, and makes forward one for this machine alone */
lt_error *lt_script_save(const lt_script *s, const char *path);
lt_error *lt_script_load(const char *path, lt_script **out);                                    /* out [owned] */
lt_error *lt_script_graph(const lt_script *s, const char *function, char **out);                /* its operations as text [owned, lt_text_free] */
/* At most max results are stored in out [owned]: a tensor, or those of a tuple; *n is how many there are. */
lt_error *lt_script_run(const lt_script *s, const char *function, const lt_tensor *const *in, int nin, lt_tensor **out, int max, int *n);
void lt_script_free(lt_script *s); /* NULL is allowed */
void lt_text_free(char *text);     /* NULL is allowed */

/* tensors; dtype is the number of c10::ScalarType */
lt_error *lt_empty(const int64_t *shape, int ndim, int dtype, lt_tensor **out);                                          /* out [owned] */
lt_error *lt_from_host(const void *data, size_t nbytes, const int64_t *shape, int ndim, int dtype, lt_tensor **out);     /* copies data; out [owned] */
lt_error *lt_copy_from_host(lt_tensor *t, int dtype, const void *data, size_t nbytes);                                   /* fills t in place */
lt_error *lt_copy_to_host(const lt_tensor *t, int dtype, void *data, size_t nbytes);                                     /* row-major, whatever t's strides; dtype is t's, or float32 for bfloat16 and float16 */
void lt_free(lt_tensor *t);                                                                                              /* NULL is allowed */
void lt_free_all(lt_tensor *const *t, size_t n);                                                                         /* t [borrowed] array of tensors to free */
int lt_dim(const lt_tensor *t);
void lt_shape(const lt_tensor *t, int64_t *out); /* lt_dim(t) sizes */
int lt_dtype(const lt_tensor *t);
int64_t lt_numel(const lt_tensor *t);
int64_t lt_nbytes(const lt_tensor *t); /* elements times element size */
int64_t lt_live(void);                 /* references handed out and not yet freed, all threads */
int lt_alike(const lt_tensor *a, const lt_tensor *b); /* same type, shape and strides, without gaps: a kernel may go through both as arrays */

/*
 * Thread-local modes; leave in reverse order of entering, on the same thread.
 *
 * Under LT_MODE_AUTOCAST_BFLOAT16 and _FLOAT16, operators that are made of
 * products of matrices cast their float32 arguments to that type, those that need
 * the precision cast to float32, and others go by their arguments: libtorch's
 * autocast, on CPUs and CUDA devices both. LT_MODE_AUTOCAST_OFF is a stretch
 * without it inside of another. Casts of leaves that require gradients are kept
 * until the outermost autocast mode is left, so weights change outside of it.
 */
enum { LT_MODE_INFERENCE, LT_MODE_NO_GRAD, LT_MODE_AUTOCAST_OFF, LT_MODE_AUTOCAST_BFLOAT16, LT_MODE_AUTOCAST_FLOAT16 };
lt_error *lt_mode_enter(int mode, lt_mode **out); /* out [owned], given back to lt_mode_leave */
void lt_mode_leave(lt_mode *m);
int lt_mode_on(int mode); /* whether the calling thread is in it; AUTOCAST_OFF unless it is in one of the other two */

/*
 * Automatic differentiation. Operators record what lt_backward needs while an
 * argument of theirs requires a gradient, outside LT_MODE_NO_GRAD and
 * LT_MODE_INFERENCE. On a CPU the backward pass runs on the calling thread, with
 * its number of threads.
 */
lt_error *lt_requires_grad_set(lt_tensor *t, int on);             /* t is a leaf: no operator's result */
int lt_requires_grad(const lt_tensor *t);
lt_error *lt_grad(const lt_tensor *t, lt_tensor **out);           /* out [owned], NULL if t has no gradient */
lt_error *lt_grad_set(lt_tensor *t, const lt_tensor *grad);       /* NULL: none */
lt_error *lt_backward(const lt_tensor *loss);                     /* adds to the gradients of the leaves; loss has one element; its record is freed */

/*
 * Checkpoints. lt_checkpoint computes y of x by a function of the caller's and
 * records none of its operators, only that there was one. The backward pass calls
 * the function again, on the thread that it runs on, with recording and in the
 * state of the first call: automatic casting, and if random is not 0 the random
 * number generators. Then it goes back through what was recorded. Leaves that the
 * function uses get their gradients as always. Without recording, lt_checkpoint
 * only calls the function.
 *
 * The caller knows its functions, and why they failed, by numbers other than 0. A
 * number that it has handed over is held until lt_released names it: nothing of
 * the caller's is called where graphs are freed, which can be in any function.
 *
 * A lt_segment returns 0, or if it failed the number of the reason; then nothing is
 * stored in y. It neither changes x in place nor leaves by a jump.
 */
typedef uintptr_t (*lt_segment)(uintptr_t f, int again, lt_tensor *x, lt_tensor **y); /* x [owned] by the segment, y [owned] by the library */
lt_error *lt_checkpoint(lt_segment segment, uintptr_t f, int random, const lt_tensor *x, lt_tensor **y); /* f is held, also after an error; y [owned] */
size_t lt_released(uintptr_t *numbers, size_t most); /* stores numbers that are no longer held, each once, and returns how many */

/* threads that one operator may use, when called from this thread */
int lt_threads_default(void); /* what libtorch chose at start: the cores, or OMP_NUM_THREADS */
int lt_threads_get(void);
lt_error *lt_threads_set(int n);
lt_error *lt_threads_rest(void); /* ends the idle threads of the calling thread's team */

/*
 * the process's random number generators: that of a CUDA device, or with an index below
 * 0 that of the CPU; the seed reaches all
 */
lt_error *lt_seed(uint64_t seed);
lt_error *lt_random_state(int index, lt_tensor **out); /* uint8 [n] on the CPU, out [owned] */
lt_error *lt_random_state_set(int index, const lt_tensor *state);

/*
 * Exact bytes of CPU tensors. Every block of memory is in one category. A new
 * block's category is that of the calling thread, which lt_memory_tag sets. A
 * thread in none counts as activations what an operator allocates that records
 * for the backward pass, and the rest as other. lt_backward's blocks are
 * activations, but for the gradients of leaves, also those that are only added to
 * others. Memory that is no tensor's, which oneDNN takes for scratch and for copies
 * in orders of its own, is other; that shows when it is freed.
 *
 * A block can be moved to another category, and then counts there from its
 * allocation on: in the breakdown of every peak at which it was alive, and in a
 * trace. A breakdown always sums to its peak.
 */
enum { LT_MEMORY_OTHER, LT_MEMORY_WEIGHTS, LT_MEMORY_GRADIENTS, LT_MEMORY_OPTIMISER, LT_MEMORY_ACTIVATIONS, LT_MEMORY_CATEGORIES };
enum { LT_MEMORY_AUTOMATIC = -1 }; /* for lt_memory_tag: no category */

/* Phases of a training step, of the whole process. lt_backward is in one by itself. */
enum { LT_PHASE_ANY = -1, LT_PHASE_NONE, LT_PHASE_FORWARD, LT_PHASE_BACKWARD, LT_PHASE_UPDATE, LT_PHASES };

lt_error *lt_memory_count(void); /* from now on; fails once a tensor has been made */
int lt_memory_counting(void);
lt_error *lt_memory_limit(int64_t bytes);                  /* an allocation beyond it fails with LT_ERR_MEMORY; 0 for none; only while memory is counted */
void lt_memory_stats(int64_t *current, int64_t *peak, int64_t *allocations);
void lt_memory_now(int64_t *bytes);                        /* bytes [borrowed]: LT_MEMORY_CATEGORIES numbers */
int lt_memory_tag(int category);                           /* of the calling thread; returns the one before, to be restored */
lt_error *lt_memory_retag(lt_tensor *t, int category);     /* with all that shares t's memory; nothing happens to memory that is not counted */
lt_error *lt_memory_phase(int phase, int *before);         /* begins a phase; the one before is to be restored */
lt_error *lt_memory_peak(int phase, int64_t *bytes);       /* breakdown at the peak, of a phase or LT_PHASE_ANY; zeros if the phase was not entered */
int64_t lt_memory_activation_peak(void);                   /* most bytes at once that were activations */
void lt_memory_reset_peak(void);                           /* all peaks start from what there is now */

/* A trace has an event for every allocation and release, and for every change of phase. */
typedef struct lt_memory_event {
  int64_t time; /* ns, of CLOCK_MONOTONIC */
  int64_t bytes[LT_MEMORY_CATEGORIES];
  int64_t phase;
} lt_memory_event;
lt_error *lt_memory_trace_start(size_t capacity);      /* keeps the first so many events; ends another trace */
size_t lt_memory_trace_stop(int64_t *dropped);         /* the number of events kept; dropped: those for which there was no room */
void lt_memory_trace_take(lt_memory_event *out);       /* all events kept, to out [borrowed]; they are forgotten */

/*
 * Profiles of operators, from lt_profile_start to lt_profile_stop, of all threads. An
 * operator is noted if it came through libtorch's dispatcher, by whatever way: from
 * lt_call, a program, a backward pass or another operator. Its self time is the wall
 * time from its begin to its end, without that of the operators that it called on
 * the same thread. Those that have begun before the start, or have not ended at the
 * stop, are left out. Noting one takes a fraction of a microsecond, which counts for
 * the operator around it, so no other time is to be taken meanwhile.
 *
 * Of wall, the time from start to stop, busy is what at least one thread was in an
 * operator, and threads is how many were in one at some time. If none is in one at the
 * stop, busy <= the sum of all self times <= busy * threads. Times are in ns.
 */
lt_error *lt_profile_start(void);                  /* one at a time in a process */
lt_error *lt_profile_stop(lt_profile **out);       /* out [owned] */
void lt_profile_totals(const lt_profile *p, int64_t *wall, int64_t *busy, int *threads, size_t *rows);
const char *lt_profile_row(const lt_profile *p, size_t i, int64_t *calls, int64_t *self); /* name without overload, [borrowed] from p; by name; i < rows */
void lt_profile_free(lt_profile *p);               /* NULL is allowed */

/*
 * Several processes, called ranks, that work together. Each rank calls the same
 * functions of a group in the same order with tensors of the same shapes. A
 * function of a group waits for the other ranks; once one has failed, the group
 * is of no use.
 *
 * The backend "gloo" is for tensors on CPUs; "nccl" is that and NCCL, for tensors
 * on CUDA devices. NCCL is in liblt_nccl.so, beside this library, if it was built;
 * without it "nccl" is LT_ERR_NOT_IMPLEMENTED.
 */
typedef struct lt_group_options {
  int64_t timeout_ms;    /* of one function of the group */
  const char *host;      /* name or address that the other ranks reach this one by; "": this machine's name */
  const char *interface; /* network interface to use instead; "": by host */
} lt_group_options;

/* The store is kept by the process with server set; fd is a socket that listens for it, closed with it; -1 if it is to make one. */
lt_error *lt_store_tcp(const char *host, int port, int server, int fd, int64_t timeout_ms, const char *prefix, lt_store **out); /* out [owned] */
lt_error *lt_store_set(lt_store *s, const char *key, const void *value, size_t n);
lt_error *lt_store_get(lt_store *s, const char *key, void *value, size_t cap, size_t *n); /* waits until it is there; n may exceed cap */
lt_error *lt_store_has(lt_store *s, const char *key, int *has);
void lt_store_free(lt_store *s); /* NULL is allowed */
lt_error *lt_group_new(const char *backend, lt_store *s, int rank, int world, const lt_group_options *o, lt_group **out); /* s stays the caller's; out [owned] */
lt_error *lt_all_reduce(lt_group *g, lt_tensor *const *t, int n);           /* every tensor becomes its sum over the ranks */
lt_error *lt_broadcast(lt_group *g, int root, lt_tensor *const *t, int n);  /* every tensor becomes that of rank root */
lt_error *lt_all_gather(lt_group *g, const lt_tensor *t, lt_tensor **out);  /* out: one tensor [owned] of each rank */
lt_error *lt_barrier(lt_group *g);
void lt_group_free(lt_group *g); /* waits for what is in flight; NULL is allowed */
/*
 * The backward pass after lt_reducer_forward, the forward pass and
 * lt_reducer_backward leaves in the gradients of params their means over the
 * ranks; without these calls a backward pass adds to this rank's own. Gradients are
 * sent in buckets of first and then cap bytes while the pass goes on. views makes
 * them views of the buckets, which saves their memory and a copy. With shared, ranks
 * that are all on one machine exchange gradients of float32 through its memory, of
 * which each rank takes 8 MiB that no tensor has; others by the group's backend.
 */
lt_error *lt_reducer_new(lt_group *g, lt_tensor *const *params, int n, int64_t first, int64_t cap, int views, int shared, lt_reducer **out); /* out [owned] */
int lt_reducer_shared(const lt_reducer *r); /* whether they do */
lt_error *lt_reducer_forward(lt_reducer *r);
lt_error *lt_reducer_backward(lt_reducer *r);
void lt_reducer_free(lt_reducer *r); /* NULL is allowed */

/*
 * CUDA devices, once lt_load_cuda has opened what registers them. Operators run where
 * their arguments are. Between lt_stream_enter and lt_stream_leave the calling thread
 * queues work on that device in a stream of libtorch's pool instead of the one that all
 * threads share; copies to the host wait for it. Left on the same thread.
 */
int lt_cuda_devices(void);                                              /* those that libtorch sees */
lt_error *lt_to_cuda(const lt_tensor *t, int index, lt_tensor **out);   /* out [owned] */
/* float32 numbers on a device, by way of pinned host memory, so that the caller need not wait for the copy; data may change at once; out [owned] */
lt_error *lt_upload(const float *data, size_t n, const int64_t *shape, int ndim, int index, lt_tensor **out);
lt_error *lt_stream_enter(int index, lt_stream **out);                  /* out [owned], given back to lt_stream_leave */
void lt_stream_leave(lt_stream *s);                                     /* NULL is allowed */
lt_error *lt_cuda_synchronize(int index);                               /* waits for all work that was queued there */

/* what the caching allocator of a device has given out, in bytes, once a tensor was there */
typedef struct {
  int64_t allocated, allocated_peak, reserved, reserved_peak;
  int64_t failures; /* allocations that failed with an empty cache, too */
} lt_cuda_memory;
lt_error *lt_cuda_memory_read(int index, lt_cuda_memory *out);
lt_error *lt_cuda_memory_reset_peaks(int index); /* to what is there now */

/* the library */
const char *lt_version(void);                    /* of libtorch, for example 2.11.0 */
const char *lt_cpu_capability(void);             /* instruction set that libtorch's kernels use, for example AVX512 */
lt_error *lt_load_cuda(void);                    /* opens libtorch_cuda.so, which registers its devices */
void lt_keep_pages(size_t largest);              /* the C library keeps the memory of freed tensors up to that size, 32 MiB at most */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
