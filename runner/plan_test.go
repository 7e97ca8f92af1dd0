package runner

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
)

func TestCellsThatCannotBeMeasuredAreRefusedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*record.Cell)
		want  string
	}{
		{"no ID", func(c *record.Cell) { c.ID = "" }, `cell ID ""`},
		{"the ID of another", func(c *record.Cell) { c.ID = "first" }, `cell ID "first" is empty or not unique`},
		{"no arms", func(c *record.Cell) { c.Arms = nil }, "no arms"},
		{"two arms of one name", func(c *record.Cell) { c.Arms[1].Name = "control" }, `arm name "control"`},
		{"no restarts", func(c *record.Cell) { c.Plan.Restarts = 0 }, "0 restarts of 3 blocks"},
		{"no blocks", func(c *record.Cell) { c.Plan.Blocks = -1 }, "2 restarts of -1 blocks"},
		{"a negative warm-up", func(c *record.Cell) { c.Plan.Warmup = -1 }, "warmup is -1"},
		{"no time for a sample", func(c *record.Cell) { c.Plan.SampleSeconds = math.NaN() }, "sample_seconds NaN"},
		{"no time for an answer", func(c *record.Cell) { c.Plan.TimeLimit = 0 }, "time_limit 0"},
		{"less time for an answer than for a sample", func(c *record.Cell) { c.Plan.TimeLimit = c.Plan.SampleSeconds }, "more than twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := options(t, fakeworker.Script{}, smallCell("first", 2), smallCell("second", 2))
			tt.spoil(&opts.Cells[1])
			dir, err := Start(context.Background(), opts)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "scenario small") || dir != "" {
				t.Errorf("%q, %v; want no run and an error with %q that names the scenario", dir, err, tt.want)
			}
		})
	}
	if _, err := Start(context.Background(), options(t, fakeworker.Script{})); err == nil {
		t.Error("a run of nothing was begun")
	}
}

func TestAnUnwritablePlaceIsFoundBeforeAnythingRuns(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c", 2))
	opts.Runs = "/proc/runs"
	if _, err := Start(context.Background(), opts); err == nil || !strings.Contains(err.Error(), "/proc/runs") {
		t.Errorf("%v; want an error that names /proc/runs", err)
	}
}

func TestARunThatCannotFitOnTheDiskIsRefused(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c", 2))
	opts.Cells[0].Arms[1].Settings = protocol.Settings{Kind: "ensemble", Images: 1e9, Pixels: 1024, Bands: 5}
	if _, err := Start(context.Background(), opts); err == nil || !strings.Contains(err.Error(), opts.Cache+": the simulated images may need 19 PiB") {
		t.Errorf("%v; want it refused for the images below %s", err, opts.Cache)
	}
	opts.Cells[0] = smallCell("c", 2)
	opts.Cells[0].Plan.Restarts, opts.Cells[0].Plan.Blocks = 1e6, 1e6
	if _, err := Start(context.Background(), opts); err == nil || !strings.Contains(err.Error(), opts.Runs+": the journal may need 1.4 PiB") {
		t.Errorf("%v; want it refused for the journal below %s", err, opts.Runs)
	}
}

func TestIterationsMakeASampleOfTheSlowestArm(t *testing.T) {
	for _, tt := range []struct {
		sample, slowest float64
		want            int
	}{
		{0.02, 0.001, 20},
		{0.02, 0.0011, 18},
		{0.02, 0.013, 2},
		{0.02, 0.3, 1},
		{0.02, 1e-9, maxIterations},
		{0.02, 0, 1},
		{0.02, math.NaN(), 1},
		{0.02, math.Inf(1), 1},
	} {
		if got := iterationsFor(tt.sample, tt.slowest); got != tt.want {
			t.Errorf("a sample of %v s of iterations of %v s: %d; want %d", tt.sample, tt.slowest, got, tt.want)
		}
	}
}

func TestEveryArmAndRestartRunsTheSameIterations(t *testing.T) {
	cell := smallCell("c", 2)
	cell.Plan.SampleSeconds = 0.02
	opts := options(t, fakeworker.Script{Iteration: 1e-3, Slower: map[int]float64{2: 4}}, cell)
	j := journal(t, mustStart(t, opts))
	want := j[record.KindWorker][0].Worker.Iterations
	if want < 1 || want > 5 { // the slow arm's iterations take at least 4 ms
		t.Errorf("%d iterations; want samples of about 20 ms of the slower arm", want)
	}
	for _, e := range j[record.KindBlock] {
		for _, s := range e.Block.Samples {
			if s.Iterations != want || len(s.Said.Durations) != want {
				t.Errorf("block %d.%d: %d iterations of %s; want %d", e.Block.Restart, e.Block.Block, s.Iterations, s.Arm, want)
			}
		}
	}
}

func TestNullWorkIsOneIteration(t *testing.T) {
	cell := smallCell("c", 2)
	for i := range cell.Arms {
		cell.Arms[i].Settings.Kind = "null"
	}
	cell.Plan.SampleSeconds = 1
	for _, e := range journal(t, mustStart(t, options(t, fakeworker.Script{}, cell)))[record.KindWorker] {
		if n := e.Worker.Iterations; n != 1 {
			t.Errorf("%d iterations of null work; want 1", n)
		}
	}
}

func TestOrdersAreRandomButRepeat(t *testing.T) {
	a := shuffled(4, 7, "cell", "block", 0, 0)
	if !slices.Equal(a, shuffled(4, 7, "cell", "block", 0, 0)) {
		t.Error("the same place has two orders")
	}
	// Each of the 24 orders of 4 arms is expected 100 times in 2,400 blocks; a
	// count beyond 50…150 is five standard deviations off.
	seen := map[[4]int]int{}
	for b := range 2400 {
		seen[[4]int(shuffled(4, 7, "cell", "block", 0, b))]++
	}
	if len(seen) != 24 {
		t.Errorf("%d orders of 4 arms; want 24", len(seen))
	}
	for order, n := range seen {
		if n < 50 || n > 150 {
			t.Errorf("order %v came %d times in 2,400", order, n)
		}
	}
}

// The seed alone decides the order in which samples are taken.
func TestASeedRepeatsARun(t *testing.T) {
	orders := func(seed uint64) (out []string) {
		opts := options(t, fakeworker.Script{}, smallCell("c", 3))
		opts.Seed = seed
		for _, e := range journal(t, mustStart(t, opts))[record.KindBlock] {
			for i, s := range e.Block.Samples {
				if s.Position != i {
					t.Errorf("sample %d of a block says position %d", i, s.Position)
				}
				out = append(out, s.Arm)
			}
		}
		return out
	}
	first := orders(5)
	if !slices.Equal(first, orders(5)) {
		t.Error("seed 5 gave two orders")
	}
	if slices.Equal(first, orders(6)) {
		t.Error("seeds 5 and 6 gave one order of six blocks of three arms")
	}
}
