package train

import (
	"math"
	"strings"
	"testing"
)

func newSchedule(t *testing.T, s ScheduleSetting, rate float64, steps int) schedule {
	t.Helper()
	got, err := s.new(rate, steps)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-15*math.Max(1, math.Abs(b)) }

func TestCosine(t *testing.T) {
	s := newSchedule(t, ScheduleSetting{Kind: Cosine, WarmUp: 0.25}, 2, 16)
	for step, want := range map[int]float64{
		0: 0.5, 1: 1, 2: 1.5, 3: 2, // grows to the peak in a quarter of the steps
		4: 2, 7: 1 + math.Sqrt2/2, 10: 1, 13: 1 - math.Sqrt2/2, // then half a period over 12 steps
	} {
		if got := s.rate(step); !near(got, want) {
			t.Errorf("step %d: rate %g, want %g", step, got, want)
		}
	}
	if last := s.rate(15); !(last > 0 && last < 0.05) {
		t.Errorf("the last step has rate %g, want a little above 0", last)
	}
}

func TestCosineWithoutWarmUp(t *testing.T) {
	s := newSchedule(t, ScheduleSetting{Kind: Cosine}, 1, 10)
	if s.rate(0) != 1 || !near(s.rate(5), 0.5) {
		t.Errorf("rates %g and %g, want 1 and 0.5", s.rate(0), s.rate(5))
	}
	s = newSchedule(t, ScheduleSetting{Kind: Cosine, WarmUp: 1}, 1, 4)
	if s.rate(3) != 1 {
		t.Errorf("only warm-up ends at %g, want 1", s.rate(3))
	}
}

// The rates are those of torch.optim.lr_scheduler.ReduceLROnPlateau(factor=0.5,
// patience=1) for the same losses.
func TestPlateau(t *testing.T) {
	s := newSchedule(t, ScheduleSetting{Kind: Plateau, Factor: 0.5, Patience: 1}, 1, 0)
	losses := []float64{1, 0.9, 0.9, 0.89995, 0.8, 0.85, 0.85, 0.85, 0.85, 0.7}
	want := []float64{1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125}
	for i, loss := range losses {
		s.epoch(loss)
		if got := s.rate(i); got != want[i] {
			t.Errorf("after loss %d, %g: rate %g, want %g", i, loss, got, want[i])
		}
	}
}

func TestPlateauGoesOn(t *testing.T) {
	setting := ScheduleSetting{Kind: Plateau, Factor: 0.5, Patience: 1}
	losses := []float64{1, 1, 1, 0.5, 0.6, 0.6, 0.6, 0.6}
	whole := newSchedule(t, setting, 1, 0)
	for cut := range losses {
		part := newSchedule(t, setting, 1, 0)
		if err := restore(part, whole.state()); err != nil {
			t.Fatal(err)
		}
		whole.epoch(losses[cut])
		part.epoch(losses[cut])
		if part.rate(0) != whole.rate(0) || differences(part.state(), whole.state()) != nil {
			t.Errorf("restored before loss %d: %v", cut, differences(part.state(), whole.state()))
		}
	}
	if restore(newSchedule(t, ScheduleSetting{Kind: Cosine}, 1, 1), whole.state()) == nil {
		t.Error("a cosine took the state of a plateau")
	}
}

func TestUnknownSchedule(t *testing.T) {
	_, err := ScheduleSetting{Kind: "cosin"}.new(1, 1)
	if err == nil || !strings.Contains(err.Error(), `schedule "cosin" is not known; there is cosine, plateau, constant; did you mean "cosine"?`) {
		t.Error(err)
	}
}

func TestStop(t *testing.T) {
	o := StopSetting{Patience: 2, MinDelta: 0.1}
	for _, c := range []struct {
		name   string
		losses []float64
		ends   int // after which loss, from 1; 0: not at all
	}{
		{"always lower", []float64{1, 0.8, 0.6, 0.4}, 0},
		{"flat", []float64{1, 1, 1}, 3},
		{"too little each time counts together", []float64{1, 0.95, 0.89, 0.84, 0.78}, 0},
		{"too little", []float64{1, 0.95, 0.91}, 3},
		{"a pause", []float64{1, 1.2, 0.8, 0.9, 0.69, 2, 2}, 7},
	} {
		var s stopState
		ended := 0
		for i, loss := range c.losses {
			if s.epoch(loss, o) {
				ended = i + 1
				break
			}
		}
		if ended != c.ends {
			t.Errorf("%s: ended after %d, want %d", c.name, ended, c.ends)
		}
	}
	var never stopState
	for range 100 {
		if never.epoch(1, StopSetting{}) {
			t.Fatal("without patience training ended")
		}
	}
}
