package torch

// #include "lt.h"
import "C"

// A Reducer makes backward passes leave the means of gradients over the ranks of
// a group. It is that of PyTorch's DistributedDataParallel: gradients go into
// buckets, and a bucket is exchanged as soon as it is full, while the backward pass
// goes on. The first pass finds the order in which they come.
//
// A backward pass is reduced if [Reducer.Forward] came before its forward pass and
// [Reducer.Backward] after it. Others add to the gradients of this rank, as always,
// and the next that is reduced sends the sums. Every parameter must get a gradient.
type Reducer struct{ p *C.lt_reducer }

// A ReducerConfig says how gradients are sent. The zero value is
// DistributedDataParallel's.
type ReducerConfig struct {
	First  int64 // bytes of the first bucket, which is not worth waiting long for; 0: 1 MiB
	Bucket int64 // bytes of the others; 0: 25 MiB
	// Views makes the gradients views of the buckets: less memory and a copy
	// less. Who changes or keeps a gradient then changes or keeps a bucket.
	Views bool
	// Sent makes gradients go by the group's backend even where all ranks are on one
	// machine. There they go through its memory otherwise, of which each rank takes
	// 8 MiB that are no tensor's.
	Sent bool
}

// NewReducer returns a reducer of parameters, which require gradients and are alike
// in all ranks. It is freed before the group.
func NewReducer(g *Group, params []*Tensor, c ReducerConfig) (r *Reducer, err error) {
	const op = "new reducer"
	defer recovered(&err)
	if g.p == nil {
		return nil, ended(op)
	}
	if c.First == 0 {
		c.First = 1 << 20
	}
	if c.Bucket == 0 {
		c.Bucket = 25 << 20
	}
	if len(params) == 0 {
		return nil, &Error{Op: op, Kind: ErrArgument, Message: "there are no parameters"}
	}
	list := handles(op, params)
	r = &Reducer{}
	e := C.lt_reducer_new(g.p, &list[0], C.int(len(list)), C.int64_t(c.First), C.int64_t(c.Bucket), C.int(bit(c.Views)), C.int(bit(!c.Sent)), &r.p)
	if e != nil {
		return nil, take(op, e)
	}
	return r, nil
}

// Shared says whether gradients go through memory that all ranks share.
func (r *Reducer) Shared() bool { return r.p != nil && C.lt_reducer_shared(r.p) != 0 }

// Forward announces a forward pass.
func (r *Reducer) Forward() error {
	if r.p == nil {
		return ended("reducer forward")
	}
	return failure("reducer forward", C.lt_reducer_forward(r.p))
}

// Backward announces a backward pass. It, not this, waits for the other ranks.
func (r *Reducer) Backward() error {
	if r.p == nil {
		return ended("reducer backward")
	}
	return failure("reducer backward", C.lt_reducer_backward(r.p))
}

// Free ends the reduction of these parameters' gradients. Freeing twice does
// nothing.
func (r *Reducer) Free() {
	C.lt_reducer_free(r.p)
	r.p = nil
}
