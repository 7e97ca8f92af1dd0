package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// TestCrew: however a batch is divided, every image gets its logit.
func TestCrew(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		m := loaded(t, sc, model.Tiny)
		defer m.Params.Free()
		x := random(sc, 7, 16)
		want := valuesOf(t, m.Forward(sc, x))
		for _, w := range []Way{{7, 1, 2}, {3, 1, 1}, {1, 3, 1}, {4, 2, 1}, {9, 1, 1}, {7, 2, 1}} {
			c, err := OpenCrew(m, Options{Precision: Float32, Pixels: 16}, w)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 7)
			if err := c.Forward(x, got); err != nil || furthest(got, want) > 1e-5 {
				t.Errorf("%s: %v, %v, want %v", w, got, err, want)
			}
			laps := 0
			clear(got)
			if err := c.Repeat(3, x, got, func() { laps++ }); err != nil || laps != 3 || furthest(got, want) > 1e-5 {
				t.Errorf("%s, three times: %d, %v, %v, want %v", w, laps, got, err, want)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := OpenCrew(m, Options{Precision: Float32, Pixels: 16}, Way{1, 0, 1}); err == nil || err.Error() != "0 sessions; want 1 or more" {
			t.Errorf("no sessions: %v", err)
		}
		if _, err := OpenCrew(m, Options{Precision: Int8, Pixels: 16}, Way{1, 2, 1}); err == nil || !strings.Contains(err.Error(), "takes a calibration") {
			t.Errorf("no calibration: %v", err)
		}
	})
}

// TestSearch: every way was timed, and the crew works in one of them.
func TestSearch(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		m := loaded(t, sc, model.Tiny)
		defer m.Params.Free()
		x := random(sc, 4, 16)
		c, trials, err := Search(m, x, Options{Precision: Float32, Pixels: 16}, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var ways []Way
		for _, trial := range trials {
			if !(trial.Seconds() > 0) {
				t.Errorf("%s took %g s", trial.Way, trial.Seconds())
			}
			ways = append(ways, trial.Way)
		}
		if !slices.Equal(ways, waysOf(4, 2)) || c.Way() != ways[fastest(trials)] {
			t.Errorf("tried %v, chose %v", ways, c.Way())
		}
		got := make([]float32, 4)
		if err := c.Forward(x, got); err != nil || furthest(got, valuesOf(t, m.Forward(sc, x))) > 1e-5 {
			t.Errorf("logits %v, %v", got, err)
		}
	})
}

func TestWays(t *testing.T) {
	for _, c := range []struct {
		batch, threads int
		want           string
	}{
		{32, 2, "[{32 1 2} {16 1 2} {8 1 2} {16 2 1} {8 2 1}]"},
		{32, 1, "[{32 1 1} {16 1 1} {8 1 1}]"},
		{1, 2, "[{1 1 2}]"},
		{2, 2, "[{2 1 2} {1 1 2} {1 2 1}]"},
	} {
		if got := fmt.Sprint(waysOfPlain(c.batch, c.threads)); got != c.want {
			t.Errorf("%d images, %d threads: %s, want %s", c.batch, c.threads, got, c.want)
		}
	}
}

// waysOfPlain is waysOf without its names.
func waysOfPlain(batch, threads int) (out []struct{ images, sessions, threads int }) {
	for _, w := range waysOf(batch, threads) {
		out = append(out, struct{ images, sessions, threads int }{w.Images, w.Sessions, w.Threads})
	}
	return out
}

// TestFastest: the simplest way stays unless another is clearly faster, in every round.
func TestFastest(t *testing.T) {
	for _, c := range []struct {
		rounds [][]float64 // of each trial
		want   int
	}{
		{[][]float64{{1, 1, 1}}, 0},
		{[][]float64{{1, 1, 1}, {0.98, 0.98, 0.98}, {0.99, 0.99, 0.99}}, 0},
		{[][]float64{{1, 1, 1}, {0.9, 0.9, 0.9}, {0.8, 0.8, 0.8}, {0.85, 0.85, 0.85}}, 2},
		{[][]float64{{1, 1, 1}, {2, 2, 2}, {0.96, 0.96, 0.96}}, 2},
		{[][]float64{{1, 1, 1}, {0.8, 0.8, 1.01}, {0.95, 0.95, 0.95}}, 2}, // once the first was faster
		{[][]float64{{1, 2, 4}, {0.9, 1.8, 3.6}}, 1},                      // a machine that slows down
		{[][]float64{{1, 2, 4}, {1.1, 1.2, 1.3}}, 0},
	} {
		var trials []Trial
		for _, r := range c.rounds {
			trials = append(trials, Trial{Rounds: r})
		}
		if got := fastest(trials); got != c.want {
			t.Errorf("%v: %d, want %d", c.rounds, got, c.want)
		}
	}
}
