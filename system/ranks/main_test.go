package ranks

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// childVar is the variable that makes the test binary one rank of a test.
const childVar = "RANKS_TEST_CHILD"

// children are what ranks of tests do. An error ends the process with status 1, as
// its last line.
var children = map[string]func() error{}

func TestMain(m *testing.M) {
	if name := os.Getenv(childVar); name != "" {
		if err := children[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Set("test.parallel", "8") // tests wait most of the time; an argument of go test comes later
	torchtest.Main(m)
}

// A buffer is for the output of several processes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// crew is a launch of children of that name.
func crew(name string, n int, env ...string) (Launch, *buffer) {
	out := &buffer{}
	return Launch{Ranks: n, Env: append(env, childVar+"="+name), Threads: 1, Stdout: out, Stderr: out}, out
}

// runs runs children and returns their output and error.
func runs(t *testing.T, name string, n int, env ...string) (string, error) {
	t.Helper()
	l, out := crew(name, n, env...)
	err := l.Run(context.Background())
	return out.String(), err
}

// succeeds runs children that must.
func succeeds(t *testing.T, name string, n int, env ...string) string {
	t.Helper()
	out, err := runs(t, name, n, env...)
	if err != nil {
		t.Errorf("%s, %d ranks: %v\n%s", name, n, err, out)
	}
	return out
}

// asRank is a child that is a rank of a team, in a session of one thread.
func asRank(f func(t *Team, sc *torch.Scope) error) func() error {
	return func() error {
		p, err := FromEnv()
		if err != nil {
			return err
		}
		err = Run(p, Options{}, func(t *Team) error {
			return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error { return f(t, sc) })
		})
		if n := torch.LiveTensors(); n != 0 && err == nil {
			return fmt.Errorf("%d tensors are left", n)
		}
		return err
	}
}
