package torch_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestSessionReturnsError(t *testing.T) {
	mine := errors.New("mine")
	if err := torchtest.Try(t, func(*torch.Scope) error { return mine }); err != mine {
		t.Errorf("error %v, want %v", err, mine)
	}
	err := torchtest.Try(t, func(sc *torch.Scope) error { sc.Add(sc.Rand(2), sc.Rand(3)); return nil })
	var e *torch.Error
	if !errors.As(err, &e) || e.Kind != torch.ErrInvalid {
		t.Errorf("error %v, want a *torch.Error of kind %v", err, torch.ErrInvalid)
	}
}

// tasks is the number of operating-system threads of the process.
func tasks(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("this system does not list the threads of a process: ", err)
	}
	return len(list)
}

// TestRest: the threads of a team end, and there are as many again when they are needed.
func TestRest(t *testing.T) {
	const threads, others = 12, 3 // others: Go starts some of its own meanwhile
	err := torch.Session{Threads: threads}.Run(func(sc *torch.Scope) error {
		x := sc.Rand(1 << 20)
		for range 2 {
			sum := sc.Add(x, x)
			working := tasks(t)
			sc.Rest()
			for begin := time.Now(); tasks(t) > working-(threads-1)+others; time.Sleep(time.Millisecond) {
				if time.Since(begin) > 10*time.Second {
					return fmt.Errorf("%d threads while the team works, %d while it rests", working, tasks(t))
				}
			}
			if got := sc.Threads(); got != threads {
				t.Errorf("operators may use %d threads after a rest, want %d", got, threads)
			}
			sum.Free()
		}
		sc.Rest() // a second rest in a row is one
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A panic that is not an operator's goes on, after everything was freed and the
// thread was given its settings back.
func TestPanicInSession(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := torch.LiveTensors()
	outside := sessionThreads(t)
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v, want boom", r)
			}
		}()
		torch.Session{Threads: outside + 1, Inference: true}.Run(func(sc *torch.Scope) error {
			sc.Scoped(func(sc *torch.Scope) {
				sc.Rand(2)
				panic("boom")
			})
			return nil
		})
	}()
	if got := torch.LiveTensors(); got != before {
		t.Errorf("%d tensors alive, want %d", got, before)
	}
	if got := sessionThreads(t); got != outside {
		t.Errorf("%d threads after the panic, want %d", got, outside)
	}
}

func sessionThreads(t *testing.T) (n int) {
	t.Helper()
	err := torch.Session{}.Run(func(sc *torch.Scope) error { n = sc.Threads(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// runtime.Goexit is how a failing test leaves.
func TestGoexitInSession(t *testing.T) {
	before := torch.LiveTensors()
	done := make(chan bool)
	go func() {
		defer close(done)
		torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error { sc.Rand(2); runtime.Goexit(); return nil })
	}()
	<-done
	if got := torch.LiveTensors(); got != before {
		t.Errorf("%d tensors alive, want %d", got, before)
	}
}

func TestThreads(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		err := torch.Session{Threads: n}.Run(func(sc *torch.Scope) error {
			if got := sc.Threads(); got != n {
				return fmt.Errorf("%d threads, want %d", got, n)
			}
			sc.Rand(1 << 16)
			return torch.Session{Threads: n + 1}.Run(func(inner *torch.Scope) error { // nested
				if got := inner.Threads(); got != n+1 {
					return fmt.Errorf("%d threads in the inner session, want %d", got, n+1)
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
	if got := sessionThreads(t); got != torch.DefaultThreads() {
		t.Errorf("%d threads by default, want %d", got, torch.DefaultThreads())
	}
	err := torch.Session{Threads: -1}.Run(func(*torch.Scope) error { return nil })
	if !errors.Is(err, torch.ErrArgument) || !strings.Contains(err.Error(), "-1 threads") {
		t.Errorf("negative threads: %v", err)
	}
}

// The first parallel operator of a thread takes over the process's last setting, unless
// the session has come before it: with those of libtorch, and with those of the shim,
// each of which see to that on their own.
func TestThreadsOfConcurrentSessions(t *testing.T) {
	interleave, err := torch.Find("lensbench::interleave", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, compute := range map[string]func(sc *torch.Scope){
		"libtorch's": func(sc *torch.Scope) { sc.Softmax(sc.Rand(64, 1024), 1) },
		"the shim's": func(sc *torch.Scope) { sc.Call(interleave, sc.Rand(4, 3, 128, 128), torch.BFloat16) },
	} {
		const sessions = 16
		var open, end sync.WaitGroup
		open.Add(sessions)
		for i := range sessions {
			end.Go(func() {
				want := i%4 + 1
				err := torch.Session{Threads: want, Inference: true}.Run(func(sc *torch.Scope) error {
					open.Done()
					open.Wait() // all settings are made before anyone computes
					for range 10 {
						sc.Scoped(compute)
						if got := sc.Threads(); got != want {
							return fmt.Errorf("%s operator: session %d has %d threads, want %d", name, i, got, want)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		end.Wait()
	}
}

// Sixty-four sessions share weights and get the same numbers as one.
func TestConcurrentSessions(t *testing.T) {
	before := torch.LiveTensors()
	held := torch.NewScope()
	var x, w *torch.Tensor
	var want []float32
	err := torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
		sc.Seed(1)
		x, w = held.Own(sc.Randn(2, 3, 16, 16)), held.Own(sc.Randn(8, 3, 3, 3))
		want = floats(t, sc.Conv2D(x, w, nil, torch.Conv{}))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if err := forward(x, w, want); err != nil {
				t.Errorf("session %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if held.Free(); torch.LiveTensors() != before {
		t.Errorf("%d tensors alive, want %d", torch.LiveTensors(), before)
	}
}

// forward convolves and fails now and then, as sessions do.
func forward(x, w *torch.Tensor, want []float32) error {
	err := torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
		for range 5 {
			got := make([]float32, len(want))
			if err := sc.Conv2D(x, w, nil, torch.Conv{}).CopyFloat32(got); err != nil {
				return err
			}
			for i := range want {
				if got[i] != want[i] {
					return fmt.Errorf("element %d is %v, want %v", i, got[i], want[i])
				}
			}
		}
		sc.Add(x, w)
		return nil
	})
	if !errors.Is(err, torch.ErrInvalid) {
		return fmt.Errorf("error %v, want one of kind %v", err, torch.ErrInvalid)
	}
	return nil
}

// What is made in inference mode cannot be changed outside of it, which shows
// whether the mode was in force.
func TestInferenceMode(t *testing.T) {
	requiresGrad := find(t, "aten::requires_grad_", "")
	changes := func(x *torch.Tensor) error {
		return torch.Session{}.Run(func(sc *torch.Scope) error { sc.Call(requiresGrad, x); return nil })
	}
	var in, out *torch.Tensor
	err := torch.Session{}.Run(func(sc *torch.Scope) error {
		out = sc.Keep(sc.Rand(2))
		sc.InferenceMode(func() { in = sc.Keep(sc.Rand(2)) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Free()
	defer out.Free()
	if err := changes(out); err != nil {
		t.Errorf("tensor of a plain session: %v", err)
	}
	if err := changes(in); err == nil {
		t.Error("a tensor made in inference mode takes part in gradients")
	}
}
