// Package torchtest is for the tests of packages that use torch.
package torchtest

import (
	"fmt"
	"os"
	"testing"

	"lensbench/torch"
)

// Main runs a package's tests and fails if they left a tensor or a callback alive:
//
//	func TestMain(m *testing.M) { torchtest.Main(m) }
//
// Reading the variable makes it part of the key of Go's test cache, which does
// not look into the shared library: `make test` sets it to the library's hash.
func Main(m *testing.M) {
	_ = os.Getenv("LENSBENCH_SHIM_HASH")
	_ = torch.LoadCUDA() // before the first seed; without it, tests on devices say why
	status := m.Run()
	if n, f := torch.LiveTensors(), torch.LiveCallbacks(); n+f != 0 && status == 0 {
		fmt.Fprintf(os.Stderr, "the tests left %d tensors and %d callbacks alive\n", n, f)
		status = 1
	}
	os.Exit(status)
}

// Run runs f in a session of one thread and fails the test if it returns an
// error or leaves a tensor or callback alive.
func Run(t testing.TB, f func(sc *torch.Scope)) {
	t.Helper()
	if err := Try(t, func(sc *torch.Scope) error { f(sc); return nil }); err != nil {
		t.Fatal(err)
	}
}

// Try is Run that returns the session's error.
func Try(t testing.TB, f func(sc *torch.Scope) error) error {
	t.Helper()
	return session(t, torch.Session{Threads: 1, Inference: true}, f)
}

// Train is Run outside inference mode.
func Train(t testing.TB, f func(sc *torch.Scope)) {
	t.Helper()
	err := session(t, torch.Session{Threads: 1}, func(sc *torch.Scope) error { f(sc); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

func session(t testing.TB, s torch.Session, f func(sc *torch.Scope) error) error {
	t.Helper()
	before, callbacks := torch.LiveTensors(), torch.LiveCallbacks()
	err := s.Run(f)
	if after := torch.LiveTensors(); after != before {
		t.Errorf("%d tensors alive after the session, %d before", after, before)
	}
	if after := torch.LiveCallbacks(); after != callbacks {
		t.Errorf("%d callbacks alive after the session, %d before", after, callbacks)
	}
	return err
}
