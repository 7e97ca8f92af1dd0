package nn

import (
	"errors"
	"strings"
	"testing"

	"lensbench/torch"
)

func TestLane(t *testing.T) {
	before := torch.LiveTensors()
	l, err := OpenLane(torch.Session{Threads: 2, Inference: true})
	if err != nil {
		t.Fatal(err)
	}
	if l.Threads() != 2 {
		t.Errorf("%d threads, want 2", l.Threads())
	}
	boom := errors.New("boom")
	if err := l.Do(func(*torch.Scope) error { return boom }); err != boom {
		t.Errorf("error of the function: %v", err)
	}
	err = l.Do(func(sc *torch.Scope) error {
		sc.MatMul(sc.Zeros(torch.Float32, 2, 3), sc.Zeros(torch.Float32, 2, 3))
		return nil
	})
	if !errors.Is(err, torch.ErrInvalid) {
		t.Errorf("error of an operator: %v", err)
	}
	var got [1]float32
	err = l.Do(func(sc *torch.Scope) error { return sc.Full(torch.Float32, 4, 1).CopyFloat32(got[:]) })
	if err != nil || got[0] != 4 {
		t.Errorf("after errors: %v, %v", got, err)
	}
	if n := torch.LiveTensors() - before; n != 0 {
		t.Errorf("%d tensors left", n)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenLaneFails(t *testing.T) {
	if _, err := OpenLane(torch.Session{Threads: -1}); err == nil || !strings.Contains(err.Error(), "-1 threads") {
		t.Errorf("got %v", err)
	}
}
