package progress

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ticking is a clock that tests advance.
type ticking struct{ now time.Time }

func (c *ticking) time() time.Time { return c.now }

// play drives a sink through a short run of two cells.
func play(sink Sink, clock *ticking) {
	s := State{Cell: 1, Cells: 2, Name: "ensemble-parallel batch=4", Restarts: 8, Blocks: 40, Remaining: 3725}
	step := func(after time.Duration, change func(*State)) {
		clock.now = clock.now.Add(after)
		change(&s)
		sink.Update(s)
	}
	step(0, func(s *State) { s.Phase, s.Arm, s.Restart = Starting, "sequential", 1 })
	step(time.Second, func(s *State) { s.Phase, s.Arm = Warming, "threads" })
	step(time.Second, func(s *State) { s.Phase, s.Arm, s.Remaining, s.Done = Measuring, "", 130, 0.02 })
	step(20*time.Millisecond, func(s *State) { s.Block = 1 }) // too soon to show
	step(time.Second, func(s *State) {
		s.Block, s.Running = 2, &Running{Variant: "threads", Ratio: 1.4321, Low: 1.31, High: 1.5678}
	})
	sink.Note("ensemble-parallel batch=4: arm pytorch ends: skipped: PyTorch is not installed")
	step(10*time.Millisecond, func(s *State) { s.Block, s.Done = 3, 0.5 })
	step(20*time.Second, func(s *State) { s.Block = 20 })
	step(time.Second, func(s *State) {
		*s = State{Cell: 2, Cells: 2, Name: "harness-null", Phase: Memory, Arm: "a", Done: 0.99, Remaining: 4.4}
	})
	sink.Finish()
}

func TestSinks(t *testing.T) {
	for _, tt := range []struct {
		golden string
		sink   func(*strings.Builder, *ticking) Sink
	}{
		{"testdata/lines.txt", func(w *strings.Builder, c *ticking) Sink { return &Lines{W: w, Clock: c.time} }},
		{"testdata/terminal-120.txt", func(w *strings.Builder, c *ticking) Sink {
			return &Terminal{W: w, Clock: c.time, Width: func() int { return 120 }}
		}},
		{"testdata/terminal-60.txt", func(w *strings.Builder, c *ticking) Sink {
			return &Terminal{W: w, Clock: c.time, Width: func() int { return 60 }}
		}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			var out strings.Builder
			clock := &ticking{time.Unix(0, 0)}
			play(tt.sink(&out, clock), clock)
			// Each redraw on a line of its own, to be read by people.
			got := strings.ReplaceAll(out.String(), clearLine, "\n<redraw>")
			if *update {
				if err := os.WriteFile(tt.golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(tt.golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("shows\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestALineNeverWraps(t *testing.T) {
	s := State{Cell: 1, Cells: 2, Name: "ensemble-parallel", Phase: Measuring, Restart: 1, Restarts: 8, Block: 1, Blocks: 40,
		Running: &Running{Variant: "threads", Ratio: 1.4, Low: 1.3, High: 1.5}}
	for width := range 200 {
		if n := len([]rune(line(s, width))); n > width && width > 0 {
			t.Errorf("%d columns on a terminal of %d", n, width)
		}
	}
}

func TestDurations(t *testing.T) {
	for _, tt := range []struct {
		seconds float64
		want    string
	}{
		{-1, "0 s"}, {0, "0 s"}, {0.4, "0 s"}, {59.4, "59 s"}, {59.6, "1 min 0 s"}, {130, "2 min 10 s"},
		{3600, "1 h 0 min"}, {3725, "1 h 2 min"}, {1e12, "27777 h 46 min"},
	} {
		if got := Duration(tt.seconds); got != tt.want {
			t.Errorf("Duration(%v) = %q; want %q", tt.seconds, got, tt.want)
		}
	}
}

func TestAFileGetsLines(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := For(f).(*Lines); !ok {
		t.Errorf("a file is shown a %T", For(f))
	}
}
