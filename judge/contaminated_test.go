package judge_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"lensbench/record"
)

// hostOf changes what the host did during samples of a place, in one arm.
func (f *fixture) hostOf(restart, block, arm int, change func(*record.Sample)) *fixture {
	for _, e := range f.entries {
		if e.Block != nil && e.Block.Restart == restart && e.Block.Block == block {
			change(&e.Block.Samples[arm])
		}
	}
	return f
}

func measured(blocks int) (record.Cell, *fixture) {
	c := ensemble()
	c.Claim, c.Decides, c.Expect, c.Equal = nil, "", nil, nil
	c.Plan.Blocks = blocks
	return c, newFixture(c).measure(c, 0, 8, 1, both(1, 0.02)).end()
}

// A block goes in both arms for what the host did in either of them.
func TestContaminatedBlocksAreLeftOut(t *testing.T) {
	const long = 1.7 // s: a usual block of two samples of 0.8 s
	for _, tt := range []struct {
		name   string
		change func(*record.Sample)
		cause  string // "" if the block stays
	}{
		{"steal", func(s *record.Sample) { s.Host.Steal = 0.3 * 2 * long }, "steal"},
		{"a little steal", func(s *record.Sample) { s.Host.Steal = 0.15 * 2 * long }, ""},
		{"others", func(s *record.Sample) { s.Host.Others = 0.3 * 2 * long }, "other processes"},
		{"a little of others", func(s *record.Sample) { s.Host.Others = 0.15 * 2 * long }, ""},
		{"pressure", func(s *record.Sample) { s.Host.Pressure = 0.3 * long }, "pressure"},
		{"the worst is named", func(s *record.Sample) { s.Host.Pressure, s.Host.Others = 0.3*long, 0.6*2*long }, "other processes"},
		{"the clock was set back", func(s *record.Sample) { s.Host.ClockJump = -0.5 }, "clock jump"},
		{"the clock is slewed", func(s *record.Sample) { s.Host.ClockJump = 0.0005 * s.Wall }, ""},
		{"throttled", func(s *record.Sample) { s.Host.Throttled = []string{"hw_thermal_slowdown"} }, "throttled clock"},
	} {
		for arm := range 2 {
			t.Run(fmt.Sprintf("%s in arm %d", tt.name, arm), func(t *testing.T) {
				_, f := measured(3)
				v := f.hostOf(2, 1, arm, tt.change).judge().Cells[0]
				k, pairs := v.Contamination, v.Comparisons[0].Pairs
				if tt.cause == "" {
					if k != nil || pairs != 24 {
						t.Errorf("%+v, %d pairs; want none contaminated", k, pairs)
					}
					return
				}
				if k == nil || k.Blocks != 24 || k.Contaminated != 1 || k.Dropped != 1 || !maps.Equal(k.Causes, map[string]int{tt.cause: 1}) || pairs != 23 {
					t.Errorf("%+v, %d pairs; want one block dropped for %s", k, pairs, tt.cause)
				}
				if v.Status != record.OK {
					t.Errorf("status %s: %s", v.Status, v.Reason)
				}
			})
		}
	}
}

// TestDroppingDoesNotLookAtResults: which blocks go does not change when what
// was measured in them does, however much.
func TestDroppingDoesNotLookAtResults(t *testing.T) {
	dropped := func(scale func(restart, block, arm int) float64) record.Contamination {
		_, f := measured(4)
		for r := range 8 {
			for b := range 4 {
				for arm := range 2 {
					f.hostOf(r, b, arm, func(s *record.Sample) {
						s.Host.Steal = float64((7*r+3*b)%11) / 10 * 0.8
						x := scale(r, b, arm)
						s.Said.Wall *= x
						s.Said.Durations[0] *= x
						s.Wall *= x
					})
				}
			}
		}
		k := f.judge().Cells[0].Contamination
		if k == nil || k.Dropped == 0 || k.Dropped == k.Blocks {
			t.Fatalf("%+v: the fixture shows nothing", k)
		}
		return *k
	}
	want := dropped(func(int, int, int) float64 { return 1 })
	for name, scale := range map[string]func(r, b, arm int) float64{
		"slow where the host was busy": func(r, b, _ int) float64 {
			if (7*r+3*b)%11 > 8 {
				return 10
			}
			return 1
		},
		"the variant slow in turns": func(r, b, arm int) float64 {
			if arm == 1 && b == 0 && r%2 == 0 {
				return 5
			}
			return 1
		},
	} {
		if got := dropped(scale); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v; want %+v", name, got, want)
		}
	}
}

// The pressure that an arm puts on itself is usual.
func TestOwnPressureIsNoContamination(t *testing.T) {
	_, f := measured(3)
	for r := range 8 {
		for b := range 3 {
			f.hostOf(r, b, 1, func(s *record.Sample) { s.Host.Pressure = 0.9 * s.Wall })
		}
	}
	if k := f.judge().Cells[0].Contamination; k != nil {
		t.Errorf("%+v", k)
	}
}

// A restart keeps half of its blocks, the better half.
func TestARestartKeepsHalfOfItsBlocks(t *testing.T) {
	_, f := measured(4)
	for b := range 4 {
		f.hostOf(3, b, 0, func(s *record.Sample) { s.Host.Steal = 2 + float64(b) })
	}
	v := f.judge().Cells[0]
	if k := v.Contamination; k == nil || k.Contaminated != 4 || k.Dropped != 2 || v.Comparisons[0].Pairs != 30 || v.Comparisons[0].Restarts != 8 {
		t.Errorf("%+v, %d pairs in %d restarts", k, v.Comparisons[0].Pairs, v.Comparisons[0].Restarts)
	}
	// Those that go are the worst: with wild values in them nothing changes.
	want := v.Comparisons[0].Ratio
	for _, b := range []int{2, 3} {
		f.hostOf(3, b, 1, func(s *record.Sample) { s.Said.Durations[0] /= 3; s.Said.Wall /= 3 })
	}
	if got := f.judge().Cells[0].Comparisons[0].Ratio; got != want {
		t.Errorf("ratio %v; want %v, whatever blocks say that are left out", got, want)
	}
}

func TestACellOfWhichTooMuchIsContaminated(t *testing.T) {
	_, f := measured(4)
	for r := range 8 {
		for b := range 4 {
			if r < 6 && b < 3 {
				f.hostOf(r, b, 0, func(s *record.Sample) { s.Host.Steal = 2 })
			}
		}
	}
	v := f.judge().Cells[0]
	if v.Status != record.Contaminated || !strings.HasPrefix(v.Reason, "18 of 32 blocks were contaminated (steal 18); measure again") {
		t.Errorf("%s: %s", v.Status, v.Reason)
	}
	if k := v.Contamination; k.Dropped != 12 {
		t.Errorf("%+v; want 2 of each of 6 restarts dropped", k)
	}
}

// What later restarts bring does not change which blocks of earlier ones count:
// a look and the verdict at the end must agree.
func TestDroppingDoesNotDependOnWhatFollows(t *testing.T) {
	c, _ := measured(4)
	c.Plan.Restarts = 16
	f := newFixture(c).measure(c, 0, 16, 1, both(1, 0.02))
	for r := range 8 {
		f.hostOf(r, r%4, 0, func(s *record.Sample) { s.Host.Steal = 0.7 + 0.05*float64(r) })
	}
	for r := 8; r < 16; r++ { // a slower machine from here on
		for b := range 4 {
			f.hostOf(r, b, 1, func(s *record.Sample) { s.Wall *= 3 })
		}
	}
	all := f.judge().Cells[0].Contamination
	f.entries = f.entries[:len(f.entries)/2]
	first := f.judge().Cells[0].Contamination
	if first == nil || all == nil || first.Contaminated == 8 || first.Contaminated != all.Contaminated || first.Dropped != all.Dropped {
		t.Errorf("of 8 restarts %+v, of 16 %+v", first, all)
	}
}
