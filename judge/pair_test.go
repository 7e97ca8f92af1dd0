package judge

import (
	"math"
	"math/rand/v2"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

// Pair compares any two arms, whatever the control was, and all metrics of all cells are
// one family: each p is at least its own.
func TestPair(t *testing.T) {
	run := record.Run{Machine: record.Machine{CPUs: 2}}
	var entries []record.Entry
	rng := rand.New(rand.NewPCG(3, 4))
	factor := map[string]float64{"a": 1, "b": 1, "c": 1.05}
	for _, id := range []string{"one", "two"} {
		c := record.Cell{ID: id, Scenario: id, Measure: []string{record.Throughput, record.Latency}, Plan: record.Plan{Restarts: 12, Blocks: 3}}
		for _, name := range []string{"a", "b", "c"} {
			c.Arms = append(c.Arms, record.Arm{Name: name, Worker: "lens", Settings: protocol.Settings{Kind: "train"}})
		}
		run.Cells = append(run.Cells, c)
		for r := range 12 {
			for b := range 3 {
				var samples []record.Sample
				for _, a := range c.Arms {
					d := 0.02 * factor[a.Name] * math.Exp(0.005*rng.NormFloat64())
					samples = append(samples, record.Sample{Arm: a.Name, Wall: d, Iterations: 1, Said: protocol.Sample{Wall: d, Durations: []float64{d}, Items: 1}})
				}
				entries = append(entries, record.Entry{Kind: record.KindBlock, Cell: id, Block: &record.BlockEntry{Restart: r, Block: b, Samples: samples}})
			}
		}
	}
	for _, tt := range []struct {
		control, variant string
		low, high        float64 // throughput
		proven           bool
	}{{"a", "b", 0.99, 1.01, false}, {"b", "c", 0.94, 0.96, true}, {"c", "b", 1.04, 1.06, true}} {
		for _, v := range Pair(run, entries, tt.control, tt.variant) {
			if len(v.Arms) != 2 || len(v.Comparisons) != 2 {
				t.Fatalf("%d arms, %d comparisons", len(v.Arms), len(v.Comparisons))
			}
			k := v.Comparisons[0]
			if k.Variant != tt.variant || k.Control != tt.control || !(k.Ratio > tt.low && k.Ratio < tt.high) {
				t.Errorf("%s/%s is %v, want %v to %v", k.Variant, k.Control, k.Ratio, tt.low, tt.high)
			}
			for _, k := range v.Comparisons {
				if k.Family == nil || k.Family.Size != 4 || k.Family.Adjusted < k.P || k.Family.Holm < k.P || (k.Family.Adjusted < 0.01) != tt.proven {
					t.Errorf("%s of %s/%s: p %v, %+v", k.Metric, k.Variant, k.Control, k.P, k.Family)
				}
			}
		}
	}
	if v := Pair(run, entries, "a", "d")[0]; v.Status != record.Invalid || v.Reason != "the cell has no arm d" {
		t.Errorf("%s: %s", v.Status, v.Reason)
	}
	if len(run.Cells[0].Arms) != 3 {
		t.Error("the run itself has lost arms")
	}
}
