package worker

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/system/traffic"
)

// TestServing: in every mode an iteration is a query of as many images as the mode says,
// a sample satisfies the record's invariants, and all images have the logits that they
// have in the other modes. Only arrivals have latencies of their own.
func TestServing(t *testing.T) {
	const network = `"kind": "inference", "model": "resnet18", "pixels": 32, "images": 6, "threads": 1`
	const members = `"kind": "ensemble", "members": ["resnet18", "resnet34"], "pixels": 32, "images": 6, "threads": 1`
	cache := t.TempDir()
	for _, kind := range []struct {
		settings string
		shape    []int
	}{{network, []int{1, 6}}, {members, []int{2, 6}}, {members + `, "schedule": "threads"`, []int{2, 6}}} {
		var first *protocol.Outputs
		for _, tc := range []struct {
			mode   string
			images int
		}{
			{`"mode": "single-stream"`, 1},
			{`"mode": "multi-stream", "batch": 4`, 4},
			{`"mode": "offline", "batch": 4`, 6},
			{`"mode": "server", "batch": 3, "rate": 300`, 1},
		} {
			settings := fmt.Sprintf(`{%s, %s}`, kind.settings, tc.mode)
			r := talk(t, prepare(settings, "time", cache), `{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": 5}}`, `{"id": 3, "op": "verify"}`)
			if r[0].Error != nil || r[1].Error != nil || r[2].Error != nil {
				t.Fatalf("%s: %v %v %v", settings, r[0].Error, r[1].Error, r[2].Error)
			}
			checkSample(t, r[1].Sample, 5, 5*tc.images)
			checkRecorded(t, settings, r[0].Facts, r[1].Sample)
			if open := r[1].Sample.Latencies != nil; open != (tc.mode[9:15] == "server") {
				t.Errorf("%s: latencies %v", settings, r[1].Sample.Latencies)
			}
			o := r[2].Outputs
			if first == nil {
				first = o
			}
			if !slices.Equal(o.Shape, kind.shape) || !near(o.Values, first.Values) {
				t.Errorf("%s: %+v, want %+v", settings, o, first)
			}
			if o.Values[0] == o.Values[1] {
				t.Errorf("%s: images do not differ: %v", settings, o.Values)
			}
		}
	}
}

// checkRecorded checks a sample as bench does.
func checkRecorded(t *testing.T, settings string, f *protocol.Facts, s *protocol.Sample) {
	t.Helper()
	c, err := protocol.DecodeSettings([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	if err := record.CheckFacts(*f, c); err != nil {
		t.Errorf("%s: %v", settings, err)
	}
	sample := record.Sample{Wall: s.Wall + 1, Iterations: len(s.Durations), Said: *s}
	if err := sample.Check(f.ItemsPerIteration); err != nil {
		t.Errorf("%s: %v", settings, err)
	}
}

func near(a, b []protocol.Number) bool {
	return slices.EqualFunc(a, b, func(x, y protocol.Number) bool { return math.Abs(float64(x-y)) <= 1e-5 })
}

// TestServingLoad: a load is a share of what the arm scores offline, and both are told.
// That other samples have other arrivals is in their seeds.
func TestServingLoad(t *testing.T) {
	r := talk(t, prepare(`{"kind": "inference", "model": "resnet18", "pixels": 32, "mode": "server", "batch": 4, "load": 25, "threads": 1}`, "time", ""),
		`{"id": 2, "op": "sample", "sample": {"iterations": 3}}`)
	if r[1].Sample == nil {
		t.Fatalf("%v %v", r[0].Error, r[1].Error)
	}
	x := r[1].Sample.Extra
	if a, o := float64(x["arrivals_per_second"]), float64(x["offline_per_second"]); !(o > 0) || math.Abs(a/o-0.25) > 1e-12 {
		t.Errorf("%g arrive and %g are scored offline per second, want a quarter", a, o)
	}
}

// Queries that were done together share the time since those before; latencies keep what
// each has waited.
func TestQueriesOnTheClock(t *testing.T) {
	all := []traffic.Query{{Scheduled: 0.5, Issued: 1, Done: 2}, {Scheduled: 1, Issued: 2, Done: 5}, {Scheduled: 1.5, Issued: 2, Done: 5}, {Scheduled: 7, Issued: 7, Done: 8}}
	c := clock{begin: time.Now()}
	c.queries(all, true)
	if want := []float64{2, 1.5, 1.5, 3}; !slices.Equal(c.durations, want) {
		t.Errorf("durations %v, want %v", c.durations, want)
	}
	if want := []float64{1.5, 4, 3.5, 1}; !slices.Equal(c.latencies, want) {
		t.Errorf("latencies %v, want %v", c.latencies, want)
	}
	if c.last.Sub(c.begin) != 8*time.Second {
		t.Errorf("wall %v, want 8 s", c.last.Sub(c.begin))
	}
}
