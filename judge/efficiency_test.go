package judge_test

import (
	"math"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

// ranked is a cell of two arms of two ranks, each with its single one.
func ranked() record.Cell {
	arm := func(name, worker, single string, ranks int) record.Arm {
		return record.Arm{Name: name, Worker: worker, Single: single, Settings: protocol.Settings{Kind: "train", Ranks: ranks}}
	}
	return record.Cell{
		ID: "ab1e", Scenario: "peer-distributed", Title: "Two ranks",
		Arms: []record.Arm{
			arm("control", "pytorch", "pytorch-one", 2),
			arm("lens", "lens", "lens-one", 2),
			arm("pytorch-one", "pytorch", "", 1),
			arm("lens-one", "lens", "", 0),
		},
		Claim:   &record.Claim{ID: "peer-distributed", Says: "as efficient"},
		Decides: "lens",
		Expect:  []record.Expect{{Metric: record.Efficiency, Op: ">=", Ratio: 0.98}},
		Equal:   &record.Equal{Output: "gradients", Tolerance: 1e-5},
		Measure: []string{record.Throughput, record.Efficiency},
		Plan:    record.Plan{Restarts: 8, Blocks: 4, Warmup: 1, SampleSeconds: 0.02, TimeLimit: 60},
	}
}

// rankedPaces are seconds of an iteration of items: those of two ranks complete as
// many as one rank's do, so an efficiency of 1 halves the time.
func rankedPaces(control, lens, controlOne, lensOne float64) map[string]pace {
	return map[string]pace{
		"control": {seconds: control, scatter: 0.003}, "lens": {seconds: lens, scatter: 0.003},
		"pytorch-one": {seconds: controlOne, scatter: 0.003}, "lens-one": {seconds: lensOne, scatter: 0.003},
	}
}

func comparisonOf(t *testing.T, v record.Verdicts, metric, variant string) record.Comparison {
	t.Helper()
	for _, k := range v.Cells[0].Comparisons {
		if k.Metric == metric && k.Variant == variant {
			return k
		}
	}
	t.Fatalf("nothing is said about %s of %s", metric, variant)
	return record.Comparison{}
}

func TestEfficiency(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		two, lens, one, lensOne float64
		control, variant, ratio float64
		outcome, claim          string
	}{
		// The faster worker is the less efficient one.
		{"fast single", 0.0100, 0.0090, 0.0160, 0.0126, 0.8, 0.7, 0.875, record.Less, record.Refuted},
		{"slow single", 0.0100, 0.0110, 0.0160, 0.0198, 0.8, 0.9, 1.125, record.More, record.Supported},
		{"as efficient, twice as fast", 0.0100, 0.0050, 0.0160, 0.0080, 0.8, 0.8, 1, record.Equivalent, record.Supported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := ranked()
			f := newFixture(c).measure(c, 0, 8, 2, rankedPaces(tt.two, tt.lens, tt.one, tt.lensOne))
			for _, a := range c.Arms[1:] {
				f.outputs(c, a.Name, 1e-7)
			}
			v := f.end().judge()
			k := comparisonOf(t, v, record.Efficiency, "lens")
			if math.Abs(k.Ratio-tt.ratio) > 0.01 || k.Outcome != tt.outcome {
				t.Errorf("%.3f, %s; want %.3f, %s", k.Ratio, k.Outcome, tt.ratio, tt.outcome)
			}
			if got := v.Cells[0].Claim.Verdict; got != tt.claim {
				t.Errorf("claim %s (%s), want %s", got, v.Cells[0].Claim.Reason, tt.claim)
			}
			for i, want := range []float64{tt.control, tt.variant} {
				if e := v.Cells[0].Arms[i].Efficiency; e == nil || math.Abs(e.Value-want) > 0.01 {
					t.Errorf("efficiency of %s: %v, want %.2f", c.Arms[i].Name, e, want)
				}
			}
			for _, a := range v.Cells[0].Arms[2:] {
				if a.Efficiency != nil {
					t.Errorf("arm %s of one rank has an efficiency", a.Arm)
				}
			}
		})
	}
}

// TestEfficiencyOfOne: against an arm of one rank, whose efficiency is 1, the ratio
// is the efficiency itself.
func TestEfficiencyOfOne(t *testing.T) {
	c := ranked()
	c.Arms = []record.Arm{c.Arms[3], c.Arms[1]}
	f := newFixture(c).measure(c, 0, 8, 2, map[string]pace{"lens": {seconds: 0.01, scatter: 0.003}, "lens-one": {seconds: 0.016, scatter: 0.003}})
	v := f.outputs(c, "lens", 0).end().judge()
	if k := comparisonOf(t, v, record.Efficiency, "lens"); math.Abs(k.Ratio-0.8) > 0.01 {
		t.Errorf("efficiency %.3f, want 0.8", k.Ratio)
	}
}

// TestEfficiencyNeedsSingles: what happens to a single rank is said of the efficiency.
func TestEfficiencyNeedsSingles(t *testing.T) {
	c := ranked()
	paces := rankedPaces(0.01, 0.01, 0.016, 0.016)
	for _, tt := range []struct {
		name    string
		journal func() *fixture
		outcome string
		reason  string
	}{
		{"crashed", func() *fixture {
			return newFixture(c).measure(c, 0, 8, 2, without(paces, "lens-one")).status(c, "lens-one", record.Crash, "killed")
		}, record.Crash, "arm lens-one: killed"},
		{"not named", func() *fixture {
			other := ranked()
			other.Arms[1].Single = ""
			return newFixture(other).measure(other, 0, 8, 2, paces)
		}, record.Incomparable, "does not say which arm is its single rank"},
		{"not there", func() *fixture {
			other := ranked()
			other.Arms[1].Single = "gone"
			return newFixture(other).measure(other, 0, 8, 2, paces)
		}, record.Incomparable, "there is no arm gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := comparisonOf(t, tt.journal().end().judge(), record.Efficiency, "lens")
			if k.Outcome != tt.outcome || !strings.Contains(k.Reason, tt.reason) {
				t.Errorf("%s: %s; want %s: %s", k.Outcome, k.Reason, tt.outcome, tt.reason)
			}
		})
	}
}
