package torch

// #include "lt.h"
import "C"

// A Scope owns the tensors that are made with it and frees them at its end. It
// belongs to one goroutine. Scopes come from [Session.Run], [Scope.Scoped] and
// [NewScope].
type Scope struct {
	parent  *Scope
	tensors []*Tensor
	call    *call // buffers of the call being made, shared with child scopes
	ended   bool
}

// NewScope returns a scope of no session: a place for tensors that outlive
// sessions, such as weights. The caller frees it. Operators that it is used for
// panic to its caller, so fill it with [Scope.Own] from inside a session.
func NewScope() *Scope { return &Scope{call: &call{}} }

// Scoped runs f with a child scope, freed when f returns or panics.
func (sc *Scope) Scoped(f func(sc *Scope)) {
	sc.open("scoped")
	child := &Scope{parent: sc, call: sc.call}
	defer child.Free()
	f(child)
}

// Free ends the scope and frees what it owns. Freeing twice does nothing.
func (sc *Scope) Free() {
	sc.ended = true
	if len(sc.tensors) == 0 {
		return
	}
	handles := sc.call.handles[:0]
	for _, t := range sc.tensors {
		handles = append(handles, t.p)
		t.p, t.scope = nil, nil
	}
	C.lt_free_all(&handles[0], C.size_t(len(handles)))
	sc.call.handles, sc.tensors = handles[:0], nil
}

// Keep moves t to the parent scope; out of a scope without parent to the
// caller, who frees it then. A tensor that sc does not own stays where it is.
func (sc *Scope) Keep(t *Tensor) *Tensor {
	t.handle("keep")
	if t.scope != sc {
		return t
	}
	sc.remove(t)
	if sc.parent != nil {
		sc.parent.add(t)
	}
	return t
}

// Own moves t to sc, from whatever scope or caller owns it.
func (sc *Scope) Own(t *Tensor) *Tensor {
	sc.open("own")
	t.handle("own")
	if t.scope != nil {
		t.scope.remove(t)
	}
	sc.add(t)
	return t
}

// Len returns the number of tensors that sc owns, without those of its parents.
func (sc *Scope) Len() int { return len(sc.tensors) }

// own makes a Tensor of a reference that the shim has handed out.
func (sc *Scope) own(p *C.lt_tensor) *Tensor {
	t := &Tensor{p: p}
	sc.add(t)
	return t
}

func (sc *Scope) add(t *Tensor) {
	t.scope, t.index = sc, len(sc.tensors)
	sc.tensors = append(sc.tensors, t)
}

// remove takes t out; the last tensor takes its place.
func (sc *Scope) remove(t *Tensor) {
	last := len(sc.tensors) - 1
	moved := sc.tensors[last]
	sc.tensors[t.index], moved.index = moved, t.index
	sc.tensors[last] = nil
	sc.tensors = sc.tensors[:last]
	t.scope = nil
}

// open panics if the scope has ended: its tensors would never be freed.
func (sc *Scope) open(name string) {
	if sc.ended {
		panic(&Error{Op: name, Kind: ErrUseAfterFree, Message: "scope has ended"})
	}
}
