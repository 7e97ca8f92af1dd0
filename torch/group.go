package torch

// #include <stdlib.h>
// #include "lt.h"
import "C"

import (
	"time"
	"unsafe"
)

// A Group is this process's connections to the others that it works with, called
// ranks. All ranks call its methods in the same order, with tensors of the same
// shapes. Each call waits for the others, whose absence is an
// [ErrConnection]; after it the group is of no use.
//
// A group belongs to one goroutine at a time.
type Group struct {
	p     *C.lt_group
	world int
}

// Backends of a group.
const (
	// Gloo is for tensors on CPUs.
	Gloo = "gloo"
	// NCCL is Gloo, and NCCL for tensors on CUDA devices. It is there if the shim was
	// built where the headers of both were found; else it is an ErrNotImplemented.
	NCCL = "nccl"
)

// A GroupConfig says which of the ranks this one is, and how they reach it.
type GroupConfig struct {
	Backend     string // Gloo or NCCL
	Rank, World int
	Timeout     time.Duration // of one call
	Host        string        // name or address of this machine for the others; "": its own name
	Interface   string        // network interface to use instead; "": by Host
}

// NewGroup connects to the other ranks, which find each other in the store. The
// store must stay as long as the group.
func NewGroup(s *Store, c GroupConfig) (*Group, error) {
	s.mu.Lock()
	p := s.p // NewGroup waits for other ranks, which other calls must not
	s.mu.Unlock()
	if p == nil {
		return nil, ended("new group")
	}
	backend, host, iface := C.CString(c.Backend), C.CString(c.Host), C.CString(c.Interface)
	defer C.free(unsafe.Pointer(backend))
	defer C.free(unsafe.Pointer(host))
	defer C.free(unsafe.Pointer(iface))
	o := (*C.lt_group_options)(C.calloc(1, C.sizeof_lt_group_options)) // it holds pointers, so it may not be Go's
	defer C.free(unsafe.Pointer(o))
	o.timeout_ms, o.host, o._interface = C.int64_t(c.Timeout.Milliseconds()), host, iface
	g := &Group{world: c.World}
	if e := C.lt_group_new(backend, p, C.int(c.Rank), C.int(c.World), o, &g.p); e != nil {
		return nil, take("new group", e)
	}
	return g, nil
}

// AllReduce sets every tensor to its sum over the ranks.
func (g *Group) AllReduce(tensors ...*Tensor) error {
	return g.each("all-reduce", tensors, func(t **C.lt_tensor, n C.int) *C.lt_error { return C.lt_all_reduce(g.p, t, n) })
}

// Broadcast sets every tensor to that of rank root.
func (g *Group) Broadcast(root int, tensors ...*Tensor) error {
	return g.each("broadcast", tensors, func(t **C.lt_tensor, n C.int) *C.lt_error { return C.lt_broadcast(g.p, C.int(root), t, n) })
}

// each calls f with the tensors' references, unless there are none.
func (g *Group) each(op string, tensors []*Tensor, f func(t **C.lt_tensor, n C.int) *C.lt_error) (err error) {
	defer recovered(&err) // a tensor that was freed
	if g.p == nil {
		return ended(op)
	}
	if len(tensors) == 0 {
		return nil
	}
	handles := handles(op, tensors)
	return failure(op, f(&handles[0], C.int(len(handles))))
}

func handles(op string, tensors []*Tensor) []*C.lt_tensor {
	out := make([]*C.lt_tensor, len(tensors))
	for i, t := range tensors {
		out[i] = t.handle(op)
	}
	return out
}

// AllGather returns t of every rank, in their order.
func (g *Group) AllGather(sc *Scope, t *Tensor) (all []*Tensor, err error) {
	const op = "all-gather"
	defer recovered(&err)
	sc.open(op)
	if g.p == nil {
		return nil, ended(op)
	}
	out := make([]*C.lt_tensor, g.world)
	if e := C.lt_all_gather(g.p, t.handle(op), &out[0]); e != nil {
		return nil, take(op, e)
	}
	for _, p := range out {
		all = append(all, sc.own(p))
	}
	return all, nil
}

// Barrier waits until all ranks have called it.
func (g *Group) Barrier() error {
	if g.p == nil {
		return ended("barrier")
	}
	return failure("barrier", C.lt_barrier(g.p))
}

// Free ends the connections. It waits for calls that are in flight, in the
// background of a backward pass that has failed, until their timeout. Freeing
// twice does nothing.
func (g *Group) Free() {
	C.lt_group_free(g.p)
	g.p = nil
}
