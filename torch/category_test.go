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
		return errors.Join(untagged(sc), nested(sc), gradients(sc), strangers(sc))
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

// gradients are those of leaves, once they are accumulated, and then at the peak
// before as well. What a second pass adds to them in place stays temporary.
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
			want("at the peak", torch.PhasePeak(torch.PhaseBackward), map[torch.Category]int64{torch.Other: 8000, torch.Activations: 8000 + scalars, torch.Gradients: 4000}))
		sc.ZeroGrads([]*torch.Tensor{w})
		err = errors.Join(err, want("a gradient that is set", grown(func() { sc.SetGrad(w, sc.Ones(torch.Float32, 1000)) }),
			map[torch.Category]int64{torch.Gradients: 4000}))
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
		if err := torch.TraceMemory(5); err != nil {
			return err
		}
		x := sc.Ones(torch.Uint8, 7)
		x.SetCategory(torch.Weights)
		x.SetCategory(torch.Weights) // is so already
		sc.InPhase(torch.PhaseUpdate, func() { x.Free() })
		t := torch.StopMemoryTrace()
		sc.Ones(torch.Uint8, 1).Free()
		want := []torch.MemoryEvent{{}, {Bytes: torch.Breakdown{torch.Other: 7}}, {Bytes: torch.Breakdown{torch.Weights: 7}},
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
