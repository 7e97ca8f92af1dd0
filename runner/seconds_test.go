package runner

import (
	"context"
	"math"
	"testing"

	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// timedCell may begin restarts for so many seconds of measuring.
func timedCell(seconds float64) record.Cell {
	c := smallCell("c", 2)
	c.Plan.Restarts, c.Plan.Seconds = 1000, seconds
	return c
}

// restartsOf counts blocks by restart, and says if an end was written.
func restartsOf(t *testing.T, dir string) (blocks map[int]int, ended int) {
	t.Helper()
	j := journal(t, dir)
	blocks = map[int]int{}
	for _, e := range j[record.KindBlock] {
		blocks[e.Block.Restart]++
	}
	return blocks, len(j[record.KindEnd])
}

func TestAPlanMayHaveATime(t *testing.T) {
	repeatChecks(t, 0)
	dir := mustStart(t, options(t, fakeworker.Script{}, timedCell(0.3)))
	blocks, ended := restartsOf(t, dir)
	if len(blocks) < 1 || len(blocks) == 1000 || ended != 1 {
		t.Errorf("%d restarts, %d ends; want some restarts and one end", len(blocks), ended)
	}
	for r, n := range blocks {
		if n != 3 {
			t.Errorf("restart %d has %d blocks; want all 3", r, n)
		}
	}
	last := len(blocks) - 1
	after := 0
	for _, e := range journal(t, dir)[record.KindOutputs] {
		if e.Outputs.When == "after" && e.Outputs.Restart == last {
			after++
		}
	}
	if after != 2 {
		t.Errorf("outputs of %d arms were compared after the last restart; want 2", after)
	}
}

// What one cell leaves of its time is for those after it, of the same scenario.
func TestTimeThatIsLeftGoesToLaterCells(t *testing.T) {
	cell := func(id, scenario string, seconds float64) record.Cell {
		c := timedCell(seconds)
		c.ID, c.Scenario = id, scenario
		return c
	}
	for _, tt := range []struct {
		name  string
		spent map[string]float64
		want  []float64 // s, by cell
	}{
		{"nothing is spent yet", nil, []float64{10, 15, 20, 30}},
		{"each takes its own", map[string]float64{"a": 10, "b": 10, "d": 20}, []float64{10, 10, 20, 10}},
		{"the first ends early", map[string]float64{"a": 4, "b": 13, "d": 20}, []float64{10, 13, 20, 13}},
		{"the second takes longer than it may", map[string]float64{"a": 4, "b": 30, "d": 20}, []float64{10, 13, 20, 10}},
		{"another scenario leaves something", map[string]float64{"a": 10, "b": 10, "d": 1}, []float64{10, 10, 20, 10}},
	} {
		cells := []record.Cell{cell("a", "x", 10), cell("b", "x", 10), cell("d", "y", 20), cell("c", "x", 10)}
		s := &session{run: record.Run{Cells: cells}, state: newState(cells)}
		for id, seconds := range tt.spent {
			s.state.cell(id).spent = seconds
		}
		for i, want := range tt.want {
			if got := s.allowance(i); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: cell %s may take %v s; want %v", tt.name, cells[i].ID, got, want)
			}
		}
	}
}

// Time in which a run lay still does not count.
func TestATimeGoesOnWhereItWasStopped(t *testing.T) {
	c := timedCell(0.4)
	opts := options(t, fakeworker.Script{}, c)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts.Progress = &interruptAfter{updates: 8, cancel: cancel}
	dir, err := Start(ctx, opts)
	if err == nil {
		t.Fatal("the run was not interrupted")
	}
	before := blocksOf(t, dir)
	opts.Progress = nil
	if err := Resume(context.Background(), dir, opts); err != nil {
		t.Fatal(err)
	}
	blocks, ended := restartsOf(t, dir)
	if ended != 1 || blocksOf(t, dir) <= before {
		t.Errorf("%d blocks before and %d after the resumption, %d ends", before, blocksOf(t, dir), ended)
	}
	for r, n := range blocks {
		if n != 3 {
			t.Errorf("restart %d has %d blocks; want all 3", r, n)
		}
	}
	s := newState([]record.Cell{c})
	entries, _, _ := record.ReadJournal(dir)
	for _, e := range entries {
		if e.Kind == record.KindResume {
			e.Time += 1000
		} else if s.last > 900 {
			e.Time += 1000
		}
		s.apply(e)
	}
	if got := s.cell("c").spent; got < 0.1 || got > 100 {
		t.Errorf("%v s of measuring, with a pause of 1000 s", got)
	}
}
