package torch_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// children are tests that need a process of their own, because the counting
// allocator comes before the first tensor.
var children = map[string]func() int{
	"memory":     counted(exactMemory),
	"model":      counted(againstModel),
	"contention": counted(contention),
	"categories": counted(categories),
	"trace":      counted(trace),
	"limit":      counted(limited),
	"program":    counted(programMemory),
	"script":     counted(scriptMemory),
}

func TestMemoryIsExact(t *testing.T) { child(t, "memory") }

// child runs a part of the tests in a process of its own.
func child(t *testing.T, name string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TORCH_TEST_CHILD="+name)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// counted makes a child of f, which is run while memory is counted and leaves
// nothing.
func counted(f func() error) func() int {
	return func() int {
		err := torch.CountMemory()
		if err == nil {
			err = f()
		}
		if now, _ := torch.Memory(); now != 0 {
			err = errors.Join(err, fmt.Errorf("%d bytes live at the end, want 0", now))
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
}

func exactMemory() error {
	if err := torch.CountMemory(); err != nil || !torch.CountingMemory() {
		return fmt.Errorf("counting twice: %w", err)
	}
	return torch.Session{Threads: 2, Inference: true}.Run(func(sc *torch.Scope) error {
		return errors.Join(sums(sc), convolution(sc), failed(sc))
	})
}

func expect(what string, current, peak int64) error {
	if now, top := torch.Memory(); now != current || top != peak {
		return fmt.Errorf("%s: %d bytes now and %d at the peak, want %d and %d", what, now, top, current, peak)
	}
	return nil
}

// sums holds three tensors of 4000 bytes, then one.
func sums(sc *torch.Scope) error {
	before := torch.Allocations()
	x := sc.Ones(torch.Float32, 1000)
	y := sc.Add(x, x)
	z := sc.Mul(x, y)
	first := expect("three tensors", 12000, 12000)
	sc.Reshape(z, 10, 100) // a view takes nothing
	y.Free()
	z.Free()
	second := expect("z has a view", 8000, 12000)
	torch.ResetPeak()
	third := expect("after a reset", 8000, 8000)
	if n := torch.Allocations() - before; n != 3 {
		third = fmt.Errorf("%d allocations, want 3", n)
	}
	return errors.Join(first, second, third)
}

// convolution goes through oneDNN, which takes memory from libtorch's allocator
// by another door and must give all of it back.
func convolution(sc *torch.Scope) error {
	before, _ := torch.Memory()
	var err error
	sc.Scoped(func(sc *torch.Scope) {
		x, w := sc.Ones(torch.Float32, 8, 16, 32, 32), sc.Ones(torch.Float32, 16, 16, 3, 3)
		y := sc.Conv2D(x, w, nil, torch.Conv{Padding: [2]int{1, 1}})
		if now, _ := torch.Memory(); now != before+x.Bytes()+w.Bytes()+y.Bytes() {
			err = fmt.Errorf("%d bytes live after a convolution, want %d", now-before, x.Bytes()+w.Bytes()+y.Bytes())
		}
	})
	if now, _ := torch.Memory(); now != before {
		err = errors.Join(err, fmt.Errorf("a convolution left %d bytes", now-before))
	}
	return err
}

// failed allocations count for nothing.
func failed(sc *torch.Scope) error {
	now, top := torch.Memory()
	if err := try(func() { sc.Zeros(torch.Float32, 1<<46) }); !errors.Is(err, torch.ErrOutOfMemory) {
		return fmt.Errorf("error %v, want one of kind %v", err, torch.ErrOutOfMemory)
	}
	return expect("after a failed allocation", now, top)
}

func TestCountMemoryComesFirst(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		sc.Rand(1)
		if err := torch.CountMemory(); err == nil || torch.CountingMemory() {
			t.Errorf("counting began after tensors were made: %v", err)
		}
	})
}
