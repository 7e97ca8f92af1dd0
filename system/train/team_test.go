package train

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lensbench/system/ranks"
)

// teamVar makes a child one of several ranks.
const teamVar = "TRAIN_TEST_TEAM"

// teamJob is a run of two epochs; 43 images are two steps of 2 ranks, and five of one.
func teamJob(dir string) Job {
	j := someJob(dir)
	j.Settings.Epochs, j.Settings.Stop, j.Every = 6, StopSetting{}, 0
	return j
}

// inTeam trains as the rank that the environment says; rank 0 prints a line a step.
func inTeam(dir string) error {
	p, err := ranks.FromEnv()
	if err != nil {
		return err
	}
	return ranks.Run(p, ranks.Options{Timeout: 20 * time.Second}, func(t *ranks.Team) error {
		j := teamJob(dir)
		j.Team, j.Watch = t, lines{Silence}
		run := Start
		if os.Getenv(teamVar) == "resume" {
			run = func(ctx context.Context, j Job) (*Result, error) { return Resume(ctx, j, LastName) }
		}
		_, err := run(context.Background(), j)
		return err
	})
}

// runTeam runs ranks. If steps is not negative, it kills one after so many steps.
func runTeam(t *testing.T, dir, how string, n, steps int) error {
	t.Helper()
	out, w := io.Pipe()
	pids := make(chan int, n)
	var stderr bytes.Buffer
	l := ranks.Launch{Ranks: n, Threads: 1, Env: []string{childDir + "=" + dir, teamVar + "=" + how}, Stdout: w, Stderr: &stderr}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); steps-- {
			if steps == 0 {
				cancel()
			}
		}
		close(pids)
	}()
	l.Grace = time.Millisecond // the ranks are killed, all but at once
	err := l.Run(ctx)
	w.Close()
	<-pids
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, &stderr)
	}
	return err
}

// Two ranks leave the same bytes each time, killed and resumed or not.
func TestRanksLeaveTheSameBytes(t *testing.T) {
	whole, broken := t.TempDir(), t.TempDir()
	if err := runTeam(t, whole, "start", 2, -1); err != nil {
		t.Fatal(err)
	}
	how := "start"
	for _, steps := range []int{5, 2} {
		if err := runTeam(t, broken, how, 2, steps); err == nil {
			t.Fatal("the run was not killed")
		}
		how = "resume"
	}
	if err := runTeam(t, broken, how, 2, -1); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, whole, broken)
}

// A run goes on with another number of ranks.
func TestAnotherNumberOfRanks(t *testing.T) {
	dir := t.TempDir()
	if err := runTeam(t, dir, "start", 2, 5); err == nil {
		t.Fatal("the run was not killed")
	}
	before, err := Peek(filepath.Join(dir, LastName))
	if err != nil {
		t.Fatal(err)
	}
	j := teamJob(dir)
	r, err := Resume(t.Context(), j, LastName)
	if err != nil {
		t.Fatal(err)
	}
	// The rest of the epoch, then five steps in each.
	rest := (43 - 16*before.Batch) / 8
	if want := before.Step + rest + 5*(6-before.Epoch-1); r.Steps != want {
		t.Errorf("%d steps after %d at %s, want %d", r.Steps, before.Step, before.Where(), want)
	}
	if text := string(read(t, dir, JournalName)); !strings.Contains(text, `"ranks":2`) {
		t.Error("the journal does not tell of 2 ranks")
	}
}

// Masks differ between ranks and steps.
func TestMaskSeed(t *testing.T) {
	seen := map[uint64]bool{}
	for rank := range 4 {
		for step := range 100 {
			seen[maskSeed(1, rank, step)] = true
		}
	}
	if len(seen) != 400 || maskSeed(1, 0, 0) == maskSeed(2, 0, 0) {
		t.Errorf("%d different seeds of 400", len(seen))
	}
}

func TestInterleaved(t *testing.T) {
	if got := fmt.Sprint(interleaved([][]float64{{0, 3, 6}, {1, 4}, {2, 5}})); got != "[0 1 2 3 4 5 6]" {
		t.Error(got)
	}
}
