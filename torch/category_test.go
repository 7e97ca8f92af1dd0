package torch_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"lensbench/torch"
)

// What is counted as what.
func TestCategoriesOfMemory(t *testing.T) { child(t, "categories") }

func categories() error {
	return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
		return errors.Join(untagged(sc), nested(sc), gradients(sc), ways(sc), convolutions(sc), strangers(sc))
	})
}

// grown says what f has added.
func grown(f func()) (b torch.Breakdown) {
	before := torch.MemoryNow()
	f()
	for i, n := range torch.MemoryNow() {
		b[i] = n - before[i]
	}
	return b
}

func want(what string, got torch.Breakdown, want map[torch.Category]int64) error {
	var b torch.Breakdown
	for c, n := range want {
		b[c] = n
	}
	if got != b {
		return fmt.Errorf("%s: %v, want %v", what, got, b)
	}
	return nil
}

// untagged results are activations if they were recorded.
func untagged(sc *torch.Scope) (err error) {
	sc.Scoped(func(sc *torch.Scope) {
		var x, w *torch.Tensor
		err = want("no gradient is wanted", grown(func() { x, w = sc.Ones(torch.Float32, 10), sc.Ones(torch.Float32, 10); sc.Add(x, w) }),
			map[torch.Category]int64{torch.Other: 120})
		w.SetRequiresGrad(true)
		err = errors.Join(err,
			want("recorded", grown(func() { sc.Mul(x, w) }), map[torch.Category]int64{torch.Activations: 40}),
			want("recorded, of a list", grown(func() { sc.Stack([]*torch.Tensor{x, w}, 0) }), map[torch.Category]int64{torch.Activations: 80}),
			want("not recorded", grown(func() { sc.NoGrad(func() { sc.Mul(x, w) }) }), map[torch.Category]int64{torch.Other: 40}))
	})
	return err
}

// nested categories are those of the innermost function, also after a panic.
func nested(sc *torch.Scope) (err error) {
	sc.Scoped(func(sc *torch.Scope) {
		err = want("nested", grown(func() {
			sc.Tagged(torch.Weights, func() {
				sc.Ones(torch.Uint8, 1)
				try(func() { sc.Tagged(torch.Optimiser, func() { sc.Ones(torch.Uint8, 10); panic(torch.ErrInternal) }) })
				sc.Ones(torch.Uint8, 100)
			})
			sc.Ones(torch.Uint8, 1000)
		}), map[torch.Category]int64{torch.Weights: 101, torch.Optimiser: 10, torch.Other: 1000})
	})
	return err
}

// gradients are those of leaves, from their birth on, also where a second pass adds
// them to those that are there.
func gradients(sc *torch.Scope) (err error) {
	sc.Scoped(func(sc *torch.Scope) {
		x, w := sc.Ones(torch.Float32, 1000), sc.Ones(torch.Float32, 1000)
		w.SetRequiresGrad(true)
		pass := func() { sc.Scoped(func(sc *torch.Scope) { sc.Backward(sc.Sum(sc.Mul(x, w))) }) }
		const scalars = 2 * 4 // the loss, and its own gradient
		torch.ResetPeak()
		err = errors.Join(
			want("a backward pass leaves", grown(pass), map[torch.Category]int64{torch.Gradients: 4000}),
			want("at its peak", torch.MemoryPeak(), map[torch.Category]int64{torch.Other: 8000, torch.Activations: 4000 + scalars, torch.Gradients: 4000}),
			want("after it", torch.PhasePeak(torch.PhaseNone), map[torch.Category]int64{torch.Other: 8000, torch.Activations: 4000 + 4, torch.Gradients: 4000}))
		torch.ResetPeak()
		err = errors.Join(err,
			want("a second one leaves", grown(pass), nil),
			want("at the peak", torch.PhasePeak(torch.PhaseBackward), map[torch.Category]int64{torch.Other: 8000, torch.Activations: 4000 + scalars, torch.Gradients: 8000}))
		sc.ZeroGrads([]*torch.Tensor{w})
		err = errors.Join(err, want("a gradient that is set", grown(func() { sc.SetGrad(w, sc.Ones(torch.Float32, 1000)) }),
			map[torch.Category]int64{torch.Gradients: 4000}))
	})
	return err
}

// ways are ways from a leaf of 1,000 values to a loss. What is a gradient then is
// known by hand: the sizes below are those of the results of the operators on the
// way, there and back.
func ways(sc *torch.Scope) (err error) {
	const leaf, scalar = 4000, 4 // bytes
	x := sc.Ones(torch.Float32, 1000)
	y := sc.Ones(torch.Float32, 1000)
	many := sc.Ones(torch.Float32, 7, 1000)
	times := func(sc *torch.Scope, w *torch.Tensor) *torch.Tensor { return sc.Sum(sc.Mul(x, w)) }
	for _, c := range []struct {
		name                   string
		loss                   func(sc *torch.Scope, w *torch.Tensor) *torch.Tensor
		activations, gradients int64
	}{
		{"a product", times, leaf + 2*scalar, leaf},
		// The gradient of the sigmoid's input is that of an activation, as large as it is.
		{"a product under a sigmoid", func(sc *torch.Scope, w *torch.Tensor) *torch.Tensor { return sc.Sum(sc.Sigmoid(sc.Mul(x, w))) },
			3*leaf + 2*scalar, leaf},
		// The first gradient waits for the second, and neither is the leaf's yet.
		{"two products", func(sc *torch.Scope, w *torch.Tensor) *torch.Tensor {
			return sc.Add(times(sc, w), sc.Sum(sc.Mul(y, w)))
		},
			2*leaf + 4*scalar, 2 * leaf},
		{"a cast", func(sc *torch.Scope, w *torch.Tensor) *torch.Tensor {
			return sc.Sum(sc.Mul(sc.To(x, torch.BFloat16), sc.To(w, torch.BFloat16)))
		}, 0, leaf * 3 / 2},
		// One of seven copies of the leaf is an activation, as their gradients are.
		{"copies", func(sc *torch.Scope, w *torch.Tensor) *torch.Tensor {
			return sc.Sum(sc.Mul(many, sc.Reshape(w, 1, 1000)))
		},
			14*leaf + 2*scalar, leaf},
	} {
		sc.Scoped(func(sc *torch.Scope) {
			w := sc.Ones(torch.Float32, 1000)
			w.SetRequiresGrad(true)
			torch.ResetPeak()
			sc.Backward(c.loss(sc, w))
			b := torch.PhasePeak(torch.PhaseBackward)
			if b[torch.Gradients] != c.gradients || c.activations > 0 && b[torch.Activations] != c.activations {
				err = errors.Join(err, fmt.Errorf("%s: %d bytes of activations and %d of gradients, want %d and %d",
					c.name, b[torch.Activations], b[torch.Gradients], c.activations, c.gradients))
			}
		})
	}
	return err
}

// convolutions have scratch memory, which is no activation; and passes whose
// gradients add up need no more activations than the first of them.
func convolutions(sc *torch.Scope) (err error) {
	sc.Scoped(func(sc *torch.Scope) {
		x, w := sc.Ones(torch.Float32, 4, 16, 32, 32), sc.Ones(torch.Float32, 64, 16, 3, 3)
		w.SetRequiresGrad(true)
		convolve := func(sc *torch.Scope, x *torch.Tensor, _ bool) *torch.Tensor {
			return sc.Conv2D(x, w, nil, torch.Conv{Padding: [2]int{1, 1}})
		}
		const scalars = 2 * 4                                    // the loss, and its own gradient
		result := int64(4 * 4 * 64 * 32 * 32)                    // bytes; its gradient is expanded from a scalar's, and then as large
		for _, checkpointed := range []bool{false, true, true} { // the second and third add
			torch.ResetPeak()
			sc.Scoped(func(sc *torch.Scope) {
				y := convolve
				if checkpointed {
					y = func(sc *torch.Scope, x *torch.Tensor, _ bool) *torch.Tensor {
						return sc.CheckpointWithoutRandom(convolve, x)
					}
				}
				var loss *torch.Tensor
				sc.Tagged(torch.Activations, func() { loss = sc.Sum(y(sc, x, false)) })
				sc.Backward(loss)
			})
			if got, want := torch.ActivationPeak(), 2*result+scalars; got != want {
				err = errors.Join(err, fmt.Errorf("checkpointed %v: %d bytes of activations at their peak, want %d", checkpointed, got, want))
			}
			if b := torch.MemoryPeak(); b[torch.Gradients]%w.Bytes() != 0 {
				err = errors.Join(err, fmt.Errorf("checkpointed %v: %v at the peak, want whole gradients of %d bytes", checkpointed, b, w.Bytes()))
			}
		}
	})
	return err
}

// strangers are tensors without memory of the allocator.
func strangers(sc *torch.Scope) (err error) {
	sc.Scoped(func(sc *torch.Scope) {
		sc.Empty(torch.Float32, 0).SetCategory(torch.Weights)
		x := sc.Empty(torch.Float32, 1)
		if e := try(func() { x.SetCategory(99) }); !errors.Is(e, torch.ErrArgument) {
			err = fmt.Errorf("category 99: error %v, want one of kind %v", e, torch.ErrArgument)
		}
	})
	return err
}

func TestMemoryTrace(t *testing.T) { child(t, "trace") }

func trace() error {
	return torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
		if err := torch.TraceMemory(4); err != nil {
			return err
		}
		x := sc.Ones(torch.Uint8, 7)
		x.SetCategory(torch.Optimiser)
		x.SetCategory(torch.Weights) // and was so from the start
		sc.InPhase(torch.PhaseUpdate, func() { x.Free() })
		t := torch.StopMemoryTrace()
		sc.Ones(torch.Uint8, 1).Free()
		want := []torch.MemoryEvent{{}, {Bytes: torch.Breakdown{torch.Weights: 7}},
			{Bytes: torch.Breakdown{torch.Weights: 7}, Phase: torch.PhaseUpdate}, {Phase: torch.PhaseUpdate}}
		last := 0.0
		for i := range t.Events {
			if t.Events[i].Seconds < last || t.Events[i].Seconds <= 0 {
				return fmt.Errorf("event %d was before the one before it", i)
			}
			last, t.Events[i].Seconds = t.Events[i].Seconds, 0
		}
		if !slices.Equal(t.Events, want) || t.Dropped != 1 {
			return fmt.Errorf("%d dropped of %+v\nwant 1 of %+v", t.Dropped, t.Events, want)
		}
		if again := torch.StopMemoryTrace(); len(again.Events) > 0 {
			return fmt.Errorf("a trace twice: %+v", again)
		}
		if err := torch.TraceMemory(0); !errors.Is(err, torch.ErrArgument) {
			return fmt.Errorf("a trace of no event: error %v", err)
		}
		return nil
	})
}
