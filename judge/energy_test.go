package judge_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"lensbench/record"
)

// energyRun is a run whose arms take so many joules for an item.
func energyRun(passes int, control, variant float64, change func(*record.EnergyEntry)) record.CellVerdict {
	c := ensemble()
	c.Claim, c.Decides, c.Expect, c.Equal = nil, "", nil, nil
	c.Measure = []string{record.Throughput, record.Energy}
	f := newFixture(c).measure(c, 0, 8, 1, both(1, 0.02))
	for r := range passes {
		for i, j := range []float64{control, variant} {
			e := &record.EnergyEntry{Arm: c.Arms[i].Name, Restart: r, Items: 100, Seconds: 2,
				Joules: map[string]float64{"processor": 100 * j * math.Exp(0.002*f.rng.NormFloat64())}}
			if change != nil {
				change(e)
			}
			f.add(record.Entry{Kind: record.KindEnergy, Cell: c.ID, Energy: e})
		}
	}
	return f.end().judge().Cells[0]
}

func TestEnergy(t *testing.T) {
	for _, tt := range []struct {
		name             string
		passes           int
		control, variant float64
		change           func(*record.EnergyEntry)
		outcome, reason  string
	}{
		{"less", 8, 0.5, 0.4, nil, record.Less, "threads/sequential = 0.79"},
		{"more", 8, 0.5, 0.6, nil, record.More, "threads/sequential = 1.19"},
		{"the same", 8, 0.5, 0.5, nil, record.Equivalent, "within ±1 %"},
		{"few passes", 7, 0.5, 0.4, nil, record.Insufficient, "7 passes of energy; a verdict needs 8"},
		{"none", 0, 0.5, 0.4, nil, record.Insufficient, "no energy pass of both arms"},
		{"absent", 1, 0.5, 0.4, func(e *record.EnergyEntry) { e.Items, e.Joules, e.Absent = 0, nil, "no counter" }, record.Incomparable, "energy of arm sequential: no counter"},
		{"a counter that stands", 8, 0.5, 0.4, func(e *record.EnergyEntry) {
			if e.Arm == "threads" {
				e.Joules["processor"] = 0
			}
		}, record.Incomparable, "energy of arm threads: 0 J for 100 items in restart 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := energyRun(tt.passes, tt.control, tt.variant, tt.change)
			k := v.Comparisons[1]
			if k.Metric != record.Energy || k.Outcome != tt.outcome || !strings.Contains(k.Reason, tt.reason) {
				t.Errorf("%s: %s; want %s: …%s…", k.Outcome, k.Reason, tt.outcome, tt.reason)
			}
			if v.Status != record.OK {
				t.Errorf("the cell is %s: %s; energy is no reason for that", v.Status, v.Reason)
			}
			e := v.Arms[0].Energy
			if has := tt.outcome != record.Incomparable && tt.passes > 0 || tt.name == "a counter that stands"; (e != nil) != has {
				t.Errorf("energy of the control: %s", fmt.Sprint(e))
			}
		})
	}
}
