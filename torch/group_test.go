package torch_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A process that a test has started again as one rank finds in these variables which,
// where the store is, and which call of together it is for.
const (
	rankVariable = "TORCH_TEST_RANK"
	portVariable = "TORCH_TEST_PORT"
	callVariable = "TORCH_TEST_CALL"
)

// calls are those of together so far, by test.
var calls = map[string]int{}

// together runs f as each of the ranks of a group, each in a process of its own, which
// runs the test once more: c10d has maps that ranks in one process would change at
// the same time.
func together(t *testing.T, world int, timeout time.Duration, f func(sc *torch.Scope, g *torch.Group, rank int)) {
	t.Helper()
	calls[t.Name()]++
	call := strconv.Itoa(calls[t.Name()])
	if word := os.Getenv(rankVariable); word != "" {
		if os.Getenv(callVariable) == call {
			rank, _ := strconv.Atoi(word)
			asRank(t, rank, world, timeout, f)
		}
		return
	}
	_, port := openStores(t, 1)
	var ranks sync.WaitGroup
	for rank := range world {
		ranks.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
			cmd.Env = append(os.Environ(), rankVariable+"="+strconv.Itoa(rank), portVariable+"="+strconv.Itoa(port), callVariable+"="+call)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("rank %d: %v\n%s", rank, err, out)
			}
		})
	}
	ranks.Wait()
}

// asRank runs f as one rank.
func asRank(t *testing.T, rank, world int, timeout time.Duration, f func(sc *torch.Scope, g *torch.Group, rank int)) {
	t.Helper()
	port, _ := strconv.Atoi(os.Getenv(portVariable))
	s, err := torch.OpenStore(torch.StoreConfig{Host: "127.0.0.1", Port: port, Timeout: 10 * time.Second, Prefix: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Free()
	g, err := torch.NewGroup(s, torch.GroupConfig{Backend: torch.Gloo, Rank: rank, World: world, Timeout: timeout, Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Free()
	err = torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
		f(sc, g, rank)
		return nil
	})
	if err != nil {
		t.Errorf("rank %d: %v", rank, err)
	}
}

// openStores opens n connections to a store, which the first of them keeps.
func openStores(t *testing.T, n int) (stores []*torch.Store, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	port = l.Addr().(*net.TCPAddr).Port
	for i := range n {
		c := torch.StoreConfig{Host: "127.0.0.1", Port: port, Timeout: 10 * time.Second, Prefix: "test"}
		if i == 0 {
			c.Keep, c.Socket = true, f
		}
		s, err := torch.OpenStore(c)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, s)
	}
	t.Cleanup(func() {
		for _, s := range slices.Backward(stores) {
			s.Free()
		}
	})
	return stores, port
}

func TestStore(t *testing.T) {
	s, _ := openStores(t, 2)
	if has, err := s[1].Has("a"); has || err != nil {
		t.Errorf("a key that nobody has set is there: %v, %v", has, err)
	}
	go func() {
		time.Sleep(20 * time.Millisecond)
		s[0].Set("a", []byte("one"))
		s[0].Set("empty", nil)
	}()
	for key, want := range map[string]string{"a": "one", "empty": ""} {
		if v, err := s[1].Get(key); string(v) != want || err != nil {
			t.Errorf("%s is %q (%v), want %q", key, v, err, want)
		}
	}
	if has, err := s[0].Has("a"); !has || err != nil {
		t.Errorf("a key that was set is not there: %v", err)
	}
	s[1].Free()
	if err := s[1].Set("a", nil); !errors.Is(err, torch.ErrUseAfterFree) {
		t.Errorf("a freed store: %v, want a use after free", err)
	}
}

// Sums of small integers are exact in any order.
func TestCollectives(t *testing.T) {
	for _, world := range []int{2, 3} {
		together(t, world, 10*time.Second, func(sc *torch.Scope, g *torch.Group, rank int) {
			a, b := sc.FromFloat32([]float32{float32(rank + 1), 10}, 2), sc.FromInt64([]int64{int64(rank)}, 1)
			weight := sc.Full(torch.Float32, float64(rank), 3)
			weight.SetRequiresGrad(true)
			check := func(err error) {
				if err != nil {
					t.Error(err)
				}
			}
			check(g.AllReduce(a, b))
			check(g.Broadcast(1, weight))
			all, err := g.AllGather(sc, sc.FromFloat32([]float32{float32(rank)}, 1))
			check(err)
			check(g.Barrier())
			check(g.AllReduce())
			sum := world * (world + 1) / 2
			if got, want := floats(t, a), []float32{float32(sum), float32(10 * world)}; !slices.Equal(got, want) {
				t.Errorf("all-reduce of %d ranks is %v, want %v", world, got, want)
			}
			if got := floats(t, weight); !slices.Equal(got, []float32{1, 1, 1}) || !weight.RequiresGrad() {
				t.Errorf("broadcast from rank 1 is %v, want ones", got)
			}
			var n [1]int64
			if b.CopyInt64(n[:]); n[0] != int64(sum-world) {
				t.Errorf("all-reduce of integers is %d, want %d", n[0], sum-world)
			}
			for i, x := range all {
				if got := floats(t, x)[0]; got != float32(i) {
					t.Errorf("all-gather has %v of rank %d", got, i)
				}
			}
		})
	}
}

// The loss of rank r is (r+1)·sum(w₁) + sum(w₂)², so the mean gradient of w₁ is
// the mean of r+1, and that of w₂ is known as well.
func TestReducer(t *testing.T) {
	for _, c := range []struct {
		world int
		torch.ReducerConfig
	}{
		{2, torch.ReducerConfig{}}, {2, torch.ReducerConfig{Views: true}}, {3, torch.ReducerConfig{Bucket: 3 << 20}},
		{2, torch.ReducerConfig{Sent: true}}, {2, torch.ReducerConfig{Views: true, Sent: true}},
	} {
		together(t, c.world, 10*time.Second, func(sc *torch.Scope, g *torch.Group, rank int) {
			// More than two of the pieces in which they are exchanged.
			w := []*torch.Tensor{sc.Ones(torch.Float32, 2_500_000), sc.Ones(torch.Float32, 2)}
			for _, p := range w {
				p.SetRequiresGrad(true)
			}
			r, err := torch.NewReducer(g, w, c.ReducerConfig)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Free()
			if r.Shared() == c.Sent {
				t.Errorf("gradients go through shared memory: %v, sent by Gloo: %v", r.Shared(), c.Sent)
			}
			mean := float32(c.world+1) / 2
			pass := func(reduced bool) {
				if reduced {
					if err := r.Forward(); err != nil {
						t.Error(err)
					}
				}
				s := sc.Sum(w[1])
				loss := sc.Add(sc.MulScalar(sc.Sum(w[0]), float64(rank+1)), sc.Mul(s, s))
				if reduced {
					if err := r.Backward(); err != nil {
						t.Error(err)
					}
				}
				sc.Backward(loss)
			}
			want := func(when string, first, second float32) {
				for i, want := range []float32{first, second} {
					got := floats(t, sc.Grad(w[i]))
					if slices.ContainsFunc(got, func(v float32) bool { return v != want }) {
						t.Errorf("rank %d of %d, %s, %+v: gradient %d begins with %v, want %v everywhere", rank, c.world, when, c.ReducerConfig, i, got[0], want)
					}
				}
			}
			for range 3 { // the second pass has the buckets in a new order
				pass(true)
				want("reduced", mean, 4)
				sc.ZeroGrads(w)
			}
			pass(false)
			want("not reduced", float32(rank+1), 4)
			pass(true)
			want("accumulated", 2*mean, 8)
		})
	}
}

func TestParametersMustBeAlike(t *testing.T) {
	together(t, 2, 10*time.Second, func(sc *torch.Scope, g *torch.Group, rank int) {
		w := sc.Ones(torch.Float32, int64(2+rank))
		w.SetRequiresGrad(true)
		if _, err := torch.NewReducer(g, []*torch.Tensor{w}, torch.ReducerConfig{}); rank == 1 && (err == nil || !strings.Contains(err.Error(), "sizes")) {
			t.Errorf("reducer of unlike parameters: %v, want an error that says so", err)
		}
	})
}

func TestAbsentRanksAreConnectionErrors(t *testing.T) {
	together(t, 2, 500*time.Millisecond, func(sc *torch.Scope, g *torch.Group, rank int) {
		if rank == 1 {
			time.Sleep(time.Second)
			return
		}
		err := g.AllReduce(sc.Ones(torch.Float32, 2))
		if !errors.Is(err, torch.ErrConnection) || strings.Contains(err.Error(), ".cc:") {
			t.Errorf("nobody else calls all-reduce: %v, want a lost connection without source files", err)
		}
		t.Log(err)
	})
	_, err := torch.OpenStore(torch.StoreConfig{Host: "127.0.0.1", Port: 1, Timeout: 300 * time.Millisecond})
	if !errors.Is(err, torch.ErrConnection) {
		t.Errorf("no store: %v, want a lost connection", err)
	}
	t.Log(err)
}

func TestGroupErrors(t *testing.T) {
	stores, _ := openStores(t, 1)
	s := stores[0]
	_, err := torch.NewGroup(s, torch.GroupConfig{Backend: "mpi", World: 1})
	if !errors.Is(err, torch.ErrInvalid) || !strings.Contains(err.Error(), `unknown backend "mpi", want gloo or nccl`) {
		t.Errorf("backend mpi: %v, want invalid", err)
	}
	g, err := torch.NewGroup(s, torch.GroupConfig{Backend: torch.Gloo, World: 1, Timeout: time.Second, Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.Ones(torch.Float32, 1)
		x.Free()
		if err := g.AllReduce(x); !errors.Is(err, torch.ErrUseAfterFree) {
			t.Errorf("a freed tensor: %v, want a use after free", err)
		}
	})
	if _, err := torch.NewReducer(g, nil, torch.ReducerConfig{}); !errors.Is(err, torch.ErrArgument) {
		t.Errorf("no parameters: %v, want a wrong argument", err)
	}
	g.Free()
	g.Free()
	if err := g.Barrier(); !errors.Is(err, torch.ErrUseAfterFree) {
		t.Errorf("a freed group: %v, want a use after free", err)
	}
}

// NCCL is there if it was built; without a device it says so.
func TestNCCL(t *testing.T) {
	stores, _ := openStores(t, 1)
	g, err := torch.NewGroup(stores[0], torch.GroupConfig{Backend: torch.NCCL, World: 1, Timeout: 10 * time.Second, Host: "127.0.0.1"})
	if _, missing := os.Stat("../bin/liblt_nccl.so"); missing != nil {
		if !errors.Is(err, torch.ErrNotImplemented) || !strings.Contains(err.Error(), `no backend "nccl", only gloo: `) {
			t.Errorf("without liblt_nccl.so: %v, want not implemented", err)
		}
		return
	}
	if err != nil && strings.Contains(err.Error(), "no GPUs found") {
		t.Skip("NCCL needs an accelerator; this machine has none")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer g.Free()
	if err := g.Barrier(); err != nil { // of a tensor on the device
		t.Error(err)
	}
}

// A rank that does not come to the exchange is a lost connection in the backward pass
// of the other, however gradients are exchanged, and in all that follow.
func TestReducerWithoutTheOtherRank(t *testing.T) {
	for _, sent := range []bool{false, true} {
		together(t, 2, time.Second, func(sc *torch.Scope, g *torch.Group, rank int) {
			w := sc.Ones(torch.Float32, 2_500_000)
			w.SetRequiresGrad(true)
			r, err := torch.NewReducer(g, []*torch.Tensor{w}, torch.ReducerConfig{Sent: sent})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Free()
			if rank == 1 {
				time.Sleep(2 * time.Second)
				return
			}
			if err := errors.Join(r.Forward(), r.Backward()); err != nil {
				t.Error(err)
			}
			err = torch.Session{Threads: 1}.Run(func(inner *torch.Scope) error {
				inner.Backward(inner.Sum(w))
				return nil
			})
			if !errors.Is(err, torch.ErrConnection) {
				t.Errorf("sent %v: nobody else has gradients: %v, want a lost connection", sent, err)
			}
		})
	}
}
