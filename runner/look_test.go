package runner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"lensbench/record"
	"lensbench/runner/fakeworker"
	"lensbench/runner/telemetry"
)

// lookedCell is looked at after 11 and 14 restarts.
func lookedCell() record.Cell {
	c := smallCell("c", 3)
	c.Measure = append(c.Measure, record.MemoryPeak)
	c.Plan = c.Plan.With(14)
	c.Plan.Looks = []int{11, 14}
	c.Plan.Blocks = 2
	return c
}

// slowFirst makes the first variant ten times as slow as the control, which the
// first look proves, and the second now slower and now faster, which leaves it
// open, whatever else the machine does.
func slowFirst(t *testing.T) fakeworker.Script {
	return fakeworker.Script{Iteration: 4e-4, Slower: map[int]float64{2: 10}, Scatters: 3, Scatter: 0.02,
		Turns: filepath.Join(t.TempDir(), "turns")}
}

// quietHost makes the host quiet for one test: whatever else the machine does, no block is
// left out, and the fake workers' times alone decide.
func quietHost(t *testing.T) {
	t.Helper()
	old := hostAfter
	t.Cleanup(func() { hostAfter = old })
	hostAfter = func(*telemetry.Host, int) (quiet record.HostSample) { return quiet }
}

func TestTimeGoesToTheArmsThatNeedIt(t *testing.T) {
	repeatChecks(t, 0)
	quietHost(t)
	dir := mustStart(t, options(t, slowFirst(t), lookedCell()))
	wantLooked(t, dir)
}

// wantLooked says that a finished run of lookedCell stopped its first variant
// after 11 restarts, did everything else once, and compared outputs on the last
// processes of each arm.
func wantLooked(t *testing.T, dir string) {
	t.Helper()
	j := journal(t, dir)
	var looks []string
	for _, e := range j[record.KindLook] {
		looks = append(looks, fmt.Sprint(e.Look.Restarts, e.Look.Settled))
	}
	if len(looks) != 2 || looks[0] != "11 [variant1]" {
		t.Errorf("looks %v; want the first to settle variant1 and a second", looks)
	}
	seen := map[string]int{}
	for _, e := range j[record.KindBlock] {
		seen[fmt.Sprintf("%d.%d", e.Block.Restart, e.Block.Block)]++
		arms := []string{"control", "variant1", "variant2"}
		if e.Block.Restart >= 11 {
			arms = []string{"control", "variant2"}
		}
		var got []string
		for _, s := range e.Block.Samples {
			got = append(got, s.Arm)
		}
		slices.Sort(got)
		if !slices.Equal(got, arms) {
			t.Errorf("block %d.%d is of %v; want %v", e.Block.Restart, e.Block.Block, got, arms)
		}
	}
	for place, n := range seen {
		if n != 1 {
			t.Errorf("block %s is there %d times", place, n)
		}
	}
	if len(seen) != 14*2 {
		t.Errorf("%d blocks; want 28", len(seen))
	}
	passes, after := map[string]int{}, map[string]int{}
	for _, e := range j[record.KindMemory] {
		passes[e.Memory.Arm]++
	}
	for _, e := range j[record.KindOutputs] {
		if e.Outputs.When == "after" {
			after[e.Outputs.Arm] = max(after[e.Outputs.Arm], e.Outputs.Restart)
		}
	}
	for _, arm := range []string{"control", "variant1", "variant2"} {
		last := 13
		if arm == "variant1" {
			last = 10
		}
		if passes[arm] != 2 || after[arm] != last {
			t.Errorf("%s: %d memory passes, outputs compared last after restart %d; want 2 and %d", arm, passes[arm], after[arm], last)
		}
	}
}

// A run that is interrupted every few steps decides as one that is not.
func TestLooksSurviveInterruptions(t *testing.T) {
	repeatChecks(t, 0)
	quietHost(t)
	opts := options(t, slowFirst(t), lookedCell())
	interrupted := func(run func(context.Context) error) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		opts.Progress = &interruptAfter{updates: 29, cancel: cancel}
		return run(ctx)
	}
	var dir string
	err := interrupted(func(ctx context.Context) (err error) {
		dir, err = Start(ctx, opts)
		return err
	})
	rounds := 0
	for ; errors.Is(err, context.Canceled); rounds++ {
		err = interrupted(func(ctx context.Context) error { return Resume(ctx, dir, opts) })
	}
	if err != nil {
		t.Fatal(err)
	}
	if rounds < 3 {
		t.Errorf("only %d interruptions", rounds)
	}
	wantLooked(t, dir)
}

// When every variant is settled the cell ends.
func TestACellEndsWhenAllIsDecided(t *testing.T) {
	quietHost(t)
	cell := lookedCell()
	cell.Arms = cell.Arms[:2]
	j := journal(t, mustStart(t, options(t, slowFirst(t), cell)))
	if n := len(j[record.KindBlock]); n != 11*2 {
		t.Errorf("%d blocks; want those of 11 restarts", n)
	}
	if len(j[record.KindEnd]) != 1 || len(j[record.KindMemory]) != 4 {
		t.Errorf("%d ends and %d memory passes; want 1 and 4", len(j[record.KindEnd]), len(j[record.KindMemory]))
	}
}

// Who looks may be somebody else.
func TestSettledByOptions(t *testing.T) {
	quietHost(t)
	opts := options(t, slowFirst(t), lookedCell())
	var seen []int
	opts.Settled = func(_ record.Machine, c record.Cell, entries []record.Entry, restarts int) []string {
		blocks := 0
		for _, e := range entries {
			if e.Block != nil {
				blocks++
			}
		}
		seen = append(seen, restarts, blocks)
		return []string{"variant1", "variant2"}
	}
	j := journal(t, mustStart(t, opts))
	if n := len(j[record.KindBlock]); n != 11*2 || !slices.Equal(seen, []int{11, 22}) {
		t.Errorf("%d blocks, looked %v; want one look, at 11 restarts of 22 blocks, to end all", n, seen)
	}
}

func TestLooksThatCannotBeKeptAreRefused(t *testing.T) {
	for _, looks := range [][]int{{8, 16}, {14, 11}, {0, 14}, {14, 14}} {
		cell := lookedCell()
		cell.Plan.Looks = looks
		if dir, err := Start(context.Background(), options(t, fakeworker.Script{}, cell)); err == nil || dir != "" {
			t.Errorf("looks after %v of 14 restarts are accepted", looks)
		}
	}
}
