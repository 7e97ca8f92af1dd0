package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// longCell takes longer than any test waits.
func longCell() record.Cell {
	c := smallCell("long", 2)
	c.Plan.Blocks = 1e6
	return c
}

func TestASecondRunIsRefusedAndToldWhoRuns(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c1", 2))
	first := harness{Cells: []record.Cell{longCell()}, Runs: filepath.Join(t.TempDir(), "runs")}
	cmd := first.start(t, os.TempDir())
	defer kill(cmd)
	dir := theRun(t, first.Runs)
	eventually(t, "the first block", func() bool { return blocksOf(t, dir) > 0 })

	_, err := Start(context.Background(), opts)
	var busy *Busy
	if !errors.As(err, &busy) || busy.Holder.PID != cmd.Process.Pid || busy.Holder.Dir != dir {
		t.Fatalf("%v; want it refused for process %d in %s", err, cmd.Process.Pid, dir)
	}
	if want := fmt.Sprintf("process %d", cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
	if err := Resume(context.Background(), dir, opts); !errors.Is(err, record.ErrHeld) || !strings.Contains(err.Error(), fmt.Sprint(cmd.Process.Pid)) {
		t.Errorf("resuming a run that is being measured: %v; want %v by %d", err, record.ErrHeld, cmd.Process.Pid)
	}
	if made := glob(t, filepath.Join(opts.Runs, "*")); len(made) > 0 {
		t.Errorf("a refused run left %v", made)
	}
}

func TestASecondRunWaitsForTheFirst(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c1", 2))
	first := harness{Cells: []record.Cell{longCell()}, Runs: filepath.Join(t.TempDir(), "runs")}
	cmd := first.start(t, os.TempDir())
	defer kill(cmd)
	dir := theRun(t, first.Runs)
	eventually(t, "the first block", func() bool { return blocksOf(t, dir) > 0 })

	opts.Wait = true
	opts.Progress = &killOnNote{silence{}, func(note string) {
		if !strings.Contains(note, "waiting: ") || !strings.Contains(note, dir) {
			t.Errorf("note %q; want one that says whom it waits for", note)
		}
		kill(cmd)
	}}
	mine, err := Start(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if n := blocksOf(t, mine); n != 6 {
		t.Errorf("%d blocks; want 6", n)
	}
}

func TestWaitingCanBeInterrupted(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c1", 2))
	lock, err := lockMachine(context.Background(), false, silence{})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.release()
	ctx, cancel := context.WithCancel(context.Background())
	opts.Wait = true
	opts.Progress = &killOnNote{silence{}, func(string) { cancel() }}
	if dir, err := Start(ctx, opts); !errors.Is(err, context.Canceled) || dir != "" {
		t.Errorf("%q, %v; want no run, canceled", dir, err)
	}
}

func TestALockThatIsLeftBehindHoldsNobodyUp(t *testing.T) {
	options(t, fakeworker.Script{}) // a lock of the test's own
	if err := os.WriteFile(LockPath(), []byte(`{"pid": 1`), 0o444); err != nil {
		t.Fatal(err)
	}
	lock, err := lockMachine(context.Background(), false, silence{})
	if err != nil {
		t.Fatal(err)
	}
	lock.release()
	if _, busy := InUse(); busy {
		t.Error("the machine is in use after the lock was released")
	}
}
