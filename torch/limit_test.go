package torch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestLimitMemory(t *testing.T) { child(t, "limit") }

// limited has a limit that is met exactly, then by networks that run out of memory
// wherever they can.
func limited() error {
	return torch.Session{Threads: 2}.Run(func(sc *torch.Scope) error {
		return errors.Join(limitIsExact(sc), limitIsLifted(sc), outOfMemoryAnywhere(sc))
	})
}

func limitIsExact(sc *torch.Scope) (err error) {
	torch.ResetPeak()
	if err := torch.LimitMemory(8000); err != nil {
		return err
	}
	sc.Scoped(func(sc *torch.Scope) {
		sc.Ones(torch.Float32, 1000)
		sc.Ones(torch.Float32, 1000) // 8000 bytes are allowed
		err = sc.Try(func(sc *torch.Scope) { sc.Ones(torch.Uint8, 1) })
	})
	if !errors.Is(err, torch.ErrOutOfMemory) || !strings.Contains(err.Error(), "memory limit of 8000 bytes: 1 bytes wanted, 8000 in use") {
		return fmt.Errorf("beyond the limit: %v", err)
	}
	return expect("after the limit", 0, 8000)
}

// A limit below what is in use takes nothing away; without one all is as before.
func limitIsLifted(sc *torch.Scope) error {
	x := sc.Ones(torch.Float32, 1000)
	defer x.Free()
	if err := torch.LimitMemory(1); err != nil {
		return err
	}
	first := sc.Try(func(sc *torch.Scope) { sc.Add(x, x) })
	if err := torch.LimitMemory(0); err != nil {
		return err
	}
	second := sc.Try(func(sc *torch.Scope) { sc.Add(x, x) })
	if !errors.Is(first, torch.ErrOutOfMemory) || second != nil {
		return fmt.Errorf("with a limit %v, without one %v", first, second)
	}
	if err := torch.LimitMemory(-1); !errors.Is(err, torch.ErrArgument) {
		return fmt.Errorf("limit of -1: %v", err)
	}
	return nil
}

// A small is a network of two convolutions.
type small struct{ first, second *torch.Tensor }

func newSmall(sc *torch.Scope) small {
	n := small{sc.Full(torch.Float32, 0.01, 8, 3, 3, 3), sc.Full(torch.Float32, 0.01, 8, 8, 3, 3)}
	for _, w := range n.weights() {
		w.SetRequiresGrad(true)
	}
	return n
}

func (n small) weights() []*torch.Tensor { return []*torch.Tensor{n.first, n.second} }

// step goes forward and back; it says whether it came to going back.
func (n small) step(sc *torch.Scope, batch int64) (back bool, err error) {
	err = sc.Try(func(sc *torch.Scope) {
		x := sc.Ones(torch.Float32, batch, 3, 16, 16)
		for _, w := range n.weights() {
			x = sc.ReLU(sc.Conv2D(x, w, nil, torch.Conv{Padding: [2]int{1, 1}}))
		}
		loss := sc.Mean(x)
		back = true
		sc.Backward(loss)
	})
	sc.ZeroGrads(n.weights())
	return back, err
}

// outOfMemoryAnywhere lowers the limit step by step. Each failure, in the forward
// pass or in the backward pass, leaves nothing, and a smaller batch works after it.
func outOfMemoryAnywhere(sc *torch.Scope) error {
	const large, little = 16, 2
	n := newSmall(sc)
	before, _ := torch.Memory()
	torch.ResetPeak()
	if _, err := n.step(sc, large); err != nil {
		return err
	}
	_, peak := torch.Memory()
	inForward, inBackward := 0, 0
	for limit := peak - 1; limit > peak/4; limit -= peak / 40 {
		if err := torch.LimitMemory(limit); err != nil {
			return err
		}
		switch back, err := n.step(sc, large); {
		case !errors.Is(err, torch.ErrOutOfMemory):
			return fmt.Errorf("a limit of %d, where %d are needed: %v", limit, peak, err)
		case back:
			inBackward++
		default:
			inForward++
		}
		if now, _ := torch.Memory(); now != before {
			return fmt.Errorf("running out of memory left %d bytes", now-before)
		}
		if _, err := n.step(sc, little); err != nil {
			return fmt.Errorf("a smaller batch, after running out of memory: %w", err)
		}
	}
	if inForward < 3 || inBackward < 3 {
		return fmt.Errorf("memory ran out in %d forward passes and %d backward passes; want some of both", inForward, inBackward)
	}
	n.first.Free()
	n.second.Free()
	return torch.LimitMemory(0)
}

func TestLimitNeedsCounting(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		if err := torch.LimitMemory(1 << 20); !errors.Is(err, torch.ErrInvalid) || !strings.Contains(err.Error(), "counted") {
			t.Errorf("a limit where nothing is counted: %v", err)
		}
	})
}

// The peaks of two stretches are those of the whole: the higher breakdown, not a
// mixture.
func TestPeaksMax(t *testing.T) {
	a := torch.Peaks{All: torch.Breakdown{torch.Weights: 3, torch.Activations: 9}, Activations: 9, Forward: torch.Breakdown{torch.Other: 1}}
	b := torch.Peaks{All: torch.Breakdown{torch.Weights: 11}, Activations: 2, Backward: torch.Breakdown{torch.Other: 4}}
	want := torch.Peaks{All: a.All, Activations: 9, Forward: a.Forward, Backward: b.Backward}
	if got := a.Max(b); got != want || b.Max(a) != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
