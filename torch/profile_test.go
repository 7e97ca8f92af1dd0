package torch_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// sums returns the self time of all operators.
func sumOf(p torch.Profile) (sum time.Duration) {
	for _, o := range p.Operators {
		sum += o.Self
	}
	return sum
}

func callsOf(p torch.Profile, name string) int64 {
	for _, o := range p.Operators {
		if o.Name == name {
			return o.Calls
		}
	}
	return 0
}

// checkProfile checks what holds for every profile.
func checkProfile(t *testing.T, p torch.Profile) {
	t.Helper()
	sum := sumOf(p)
	if p.Busy <= 0 || p.Busy > p.Wall || sum < p.Busy || sum > p.Busy*time.Duration(p.Threads) {
		t.Errorf("wall %v, busy %v on %d threads, operators %v; want 0 < busy ≤ wall and busy ≤ operators ≤ busy × threads", p.Wall, p.Busy, p.Threads, sum)
	}
	for _, o := range p.Operators {
		if o.Calls < 1 || o.Self < 0 {
			t.Errorf("%+v", o)
		}
	}
	if !slices.IsSortedFunc(p.Operators, func(a, b torch.OperatorTime) int { return int(b.Self - a.Self) }) {
		t.Errorf("not sorted: %+v", p.Operators)
	}
}

// On one thread the self times sum to the time in operators: nothing counts twice, such
// as that of mm in the matmul around it.
func TestProfileOfOneThread(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.Rand(64, 64)
		p, err := torch.ProfileOperators(func() error {
			for range 7 {
				sc.Sigmoid(sc.MatMul(x, x))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		checkProfile(t, p)
		if sum := sumOf(p); sum != p.Busy || p.Threads != 1 {
			t.Errorf("operators %v, busy %v on %d threads; want them equal on one", sum, p.Busy, p.Threads)
		}
		for name, want := range map[string]int64{"aten::sigmoid": 7, "aten::matmul": 7, "aten::mm": 7, "aten::relu": 0} {
			if got := callsOf(p, name); got != want {
				t.Errorf("%d calls of %s; want %d", got, name, want)
			}
		}
	})
}

// A program is one call of the shim, and its operators are seen all the same.
func TestProfileOfProgram(t *testing.T) {
	relu, add := torch.Named("aten::relu", ""), torch.Named("aten::add", "Tensor")
	torchtest.Run(t, func(sc *torch.Scope) {
		program, in := torch.NewProgram(1)
		defer program.Free()
		program.Call(add, program.Call(relu, in[0]), in[0])
		x := sc.Rand(1000)
		p, err := torch.ProfileOperators(func() error {
			for range 3 {
				program.Run(sc, x)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		checkProfile(t, p)
		if r, a := callsOf(p, "aten::relu"), callsOf(p, "aten::add"); r != 3 || a != 3 {
			t.Errorf("%d calls of relu and %d of add; want 3 each", r, a)
		}
	})
}

func TestProfileOfBackward(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		w := sc.Rand(8, 8)
		w.SetRequiresGrad(true)
		defer w.SetRequiresGrad(false)
		loss := sc.Mean(sc.Sigmoid(sc.MatMul(sc.Ones(torch.Float32, 8, 8), w)))
		p, err := torch.ProfileOperators(func() error { sc.Backward(loss); return nil })
		if err != nil {
			t.Fatal(err)
		}
		checkProfile(t, p)
		if n := callsOf(p, "aten::sigmoid_backward"); n != 1 {
			t.Errorf("%d calls of sigmoid_backward; want 1", n)
		}
		sc.SetGrad(w, nil)
	})
}

// Operators of several threads are in one profile, whose time they share.
func TestProfileOfThreads(t *testing.T) {
	p, err := torch.ProfileOperators(func() error {
		var all, there sync.WaitGroup
		there.Add(2)
		errs := make([]error, 2)
		for i := range errs {
			all.Go(func() {
				errs[i] = torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
					there.Done()
					there.Wait() // so they are on two threads at the same time
					x := sc.Rand(128, 128)
					for range 50 {
						sc.Scoped(func(sc *torch.Scope) { sc.MatMul(x, x) })
					}
					return nil
				})
			})
		}
		all.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	checkProfile(t, p)
	if n := callsOf(p, "aten::mm"); n != 100 || p.Threads != 2 {
		t.Errorf("%d calls of mm on %d threads; want 100 on 2", n, p.Threads)
	}
}

// A profile ends with its function, whatever becomes of that; there is one at a time.
func TestProfileEnds(t *testing.T) {
	boom := errors.New("boom")
	p, err := torch.ProfileOperators(func() error {
		_, inner := torch.ProfileOperators(func() error { t.Error("a second profile is made"); return nil })
		if !errors.Is(inner, torch.ErrArgument) {
			t.Errorf("error %v; want one of kind %v", inner, torch.ErrArgument)
		}
		return boom
	})
	if !errors.Is(err, boom) || len(p.Operators) != 0 || p.Busy != 0 {
		t.Errorf("%+v, error %v; want no operators and %v", p, err, boom)
	}
	if _, err := torch.ProfileOperators(func() error { return nil }); err != nil {
		t.Errorf("the next profile: %v", err)
	}
}
