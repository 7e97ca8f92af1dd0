package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// A harness is a process of its own that measures, so that tests can kill it.
// It is this test binary again; its environment carries the plan.
type harness struct {
	Script fakeworker.Script
	Cells  []record.Cell
	Runs   string
	Resume string // directory of a run to resume; "" starts one
	Wait   bool

	FileLimit uint64 // bytes that any file may have; 0 is no limit
}

const harnessKey = "LENSBENCH_TEST_HARNESS"

// harnessMain measures if this process is a harness, and exits.
func harnessMain() {
	text, ok := os.LookupEnv(harnessKey)
	if !ok {
		return
	}
	var h harness
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		panic(err)
	}
	if h.FileLimit > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: h.FileLimit, Max: h.FileLimit}); err != nil {
			panic(err)
		}
	}
	opts := Options{Cells: h.Cells, Runs: h.Runs, Seed: 1, Cache: h.Runs, Wait: h.Wait,
		Workers: map[string]Command{"lens": fake(h.Script)}}
	var err error
	if h.Resume != "" {
		err = Resume(context.Background(), h.Resume, opts)
	} else {
		_, err = Start(context.Background(), opts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// start starts the harness with its own lock of the machine below tmp.
func (h harness) start(t *testing.T, tmp string) *exec.Cmd {
	t.Helper()
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), harnessKey+"="+string(b), "TMPDIR="+tmp)
	cmd.Stderr = &strings.Builder{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// kill kills the harness as kill -9 does.
func kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

func stderrOf(cmd *exec.Cmd) string { return cmd.Stderr.(*strings.Builder).String() }

// theRun waits for the directory of the only run below runs.
func theRun(t *testing.T, runs string) string {
	t.Helper()
	var dirs []string
	eventually(t, "a run below "+runs, func() bool {
		dirs = glob(t, filepath.Join(runs, "2*"))
		return len(dirs) == 1
	})
	return dirs[0]
}

// blocksOf counts the complete blocks in the journal.
func blocksOf(t *testing.T, dir string) int {
	t.Helper()
	entries, _, err := record.ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Kind == record.KindBlock {
			n++
		}
	}
	return n
}

// eventually waits for a condition that must come.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s in vain for %s", what)
		}
	}
}
