// Package torch calls libtorch.
//
// It has three tiers: about fifty fixed functions (create, copy, shape,
// gradients, threads, memory, random state), one generic call that reaches every operator
// of libtorch by its schema name, and typed methods over that call for the
// operators in use. All of them go through the plain C interface of
// shim/lt.h; no C pointer leaves the package.
//
// # Sessions and scopes
//
// A [Session] is a stretch of work on one operating-system thread, because the
// number of threads and the inference mode belong to a thread. Every tensor
// made in it belongs to a [Scope], which frees it at its end:
//
//	err := torch.Session{Threads: 2, Inference: true}.Run(func(sc *torch.Scope) error {
//		x := sc.FromFloat32(pixels, 8, 3, 64, 64)
//		y := sc.Sigmoid(sc.Linear(sc.Flatten(x, 1, -1), weight, bias))
//		return y.CopyFloat32(scores)
//	})
//
// Freeing does not wait for the garbage collector, which knows nothing of the
// memory behind a tensor. A long computation frees its intermediate results
// with [Tensor.Free] or in child scopes ([Scope.Scoped]), so that libtorch gets
// the same memory back for the next result while it is still in cache.
//
// # Gradients
//
// Outside inference mode, operators record how their results came about from
// tensors that require gradients ([Tensor.SetRequiresGrad]), and [Scope.Backward]
// goes that way back. The record holds what it needs by itself: the forward pass
// frees its handles as always, and the memory goes with the backward pass.
//
// In [Scope.Autocast], operators choose between float32 and a shorter type (mixed
// precision, Micikevicius et al. 2018). Weights and gradients stay float32.
//
// [Scope.Checkpoint] records one function of several operators as a whole, which
// the backward pass computes again: memory for time.
//
// # Programs
//
// Calls that are made again and again with nothing but other inputs are a [Program]:
// their arguments are converted once, and running it is one call of the shim.
//
// # Scripts
//
// A [Script] is a module in TorchScript, libtorch's own language for what is to be run
// without Python: compiled from source or read from a file that PyTorch wrote, frozen
// and optimised for inference by libtorch, and written to a file that PyTorch reads.
//
// # Errors
//
// Operators panic with *[Error], and [Session.Run] returns it: a forward pass
// reads as the formula it is. Everything that is not an operator returns its
// error. Using a tensor after it was freed is such a panic too, never undefined
// behaviour.
//
// # Concurrency
//
// Sessions may run at the same time, and share tensors that nobody writes to or
// frees meanwhile. A Scope belongs to one goroutine.
//
// # Memory
//
// [CountMemory] makes the exact bytes of tensors known, each block in a [Category],
// with their peak and what it was made of: [MemoryPeak]; by phase of a training
// step: [PhasePeak]; and over time: [TraceMemory].
//
// # Profiles
//
// [ProfileOperators] says which operators a stretch of work is made of, and what each
// takes.
//
// # Several processes
//
// A [Store] and a [Group] connect processes, and a [Reducer] averages their
// gradients. Which processes there are, and what became of one that is missing,
// is the business of package ranks.
//
// # What it is not
//
// Processes exchange tensors on CPUs only; no build for anything but Linux on
// x86-64; no attempt to cover operators that are not used here with typed methods,
// since [Scope.Call] reaches them.
package torch
