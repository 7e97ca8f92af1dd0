package judge_test

import (
	"maps"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

// What workers say beside is shown by its median over the samples that have it.
func TestExtra(t *testing.T) {
	c := ensemble()
	f := newFixture(c).measure(c, 0, 8, 1, both(1.6, 0.02))
	batches := []protocol.Number{128, 32, 64}
	n := 0
	for i := range f.entries {
		if f.entries[i].Kind != record.KindBlock {
			continue
		}
		for k := range f.entries[i].Block.Samples {
			if s := &f.entries[i].Block.Samples[k]; s.Arm == "threads" {
				s.Said.Extra = map[string]protocol.Number{"batch": batches[n%len(batches)]}
				if n == 0 {
					s.Said.Extra["changes"] = 3
				}
				n++
			}
		}
	}
	arms := f.judge().Cells[0].Arms
	if want := map[string]protocol.Number{"batch": 64, "changes": 3}; !maps.Equal(arms[1].Extra, want) || arms[0].Extra != nil {
		t.Errorf("%v and %v, want none and %v", arms[0].Extra, arms[1].Extra, want)
	}
}

// Of queries that do not wait for each other the latencies are what they say, not what
// each has added to the wall time: both in the percentiles and in the ratio.
func TestLatencies(t *testing.T) {
	c := ensemble()
	c.Measure = []string{record.Latency}
	f := newFixture(c).measure(c, 0, 8, 2, both(1, 0.02))
	for i := range f.entries {
		if f.entries[i].Kind != record.KindBlock {
			continue
		}
		for k := range f.entries[i].Block.Samples {
			if s := &f.entries[i].Block.Samples[k]; s.Arm == "threads" {
				for _, d := range s.Said.Durations {
					s.Said.Latencies = append(s.Said.Latencies, 1.5*d)
				}
			}
		}
	}
	v := f.judge().Cells[0]
	if r := v.Arms[1].Latency["p50"].Value / v.Arms[0].Latency["p50"].Value; r < 1.4 || r > 1.6 {
		t.Errorf("the median is %g × the control's, want 1.5", r)
	}
	if k := v.Comparisons[0]; k.Ratio < 1.4 || k.Ratio > 1.6 || k.Outcome != record.Slower {
		t.Errorf("comparison %+v, want a ratio of 1.5", k)
	}
}

// Profiles are passed on, and change no statement.
func TestProfiles(t *testing.T) {
	c := ensemble()
	f := newFixture(c).measure(c, 0, 8, 1, both(1.6, 0.02))
	before := f.judge().Cells[0]
	there := record.Profile{Iterations: 3, Said: &protocol.Profile{Wall: 1}, Status: record.OK}
	gone := record.Profile{Status: record.Crash, Reason: "boom"}
	for i, p := range []record.Profile{there, gone} {
		f.entries = append(f.entries, record.Entry{Kind: record.KindProfile, Cell: c.ID, Profile: &record.ProfileEntry{Arm: c.Arms[i].Name, Profile: p}})
	}
	after := f.judge().Cells[0]
	if a := after.Arms; a[0].Profile == nil || *a[0].Profile != there || a[1].Profile == nil || *a[1].Profile != gone {
		t.Errorf("%+v and %+v, want %+v and %+v", a[0].Profile, a[1].Profile, there, gone)
	}
	if after.Status != before.Status || after.Arms[1].Status != before.Arms[1].Status || after.Comparisons[0].Outcome != before.Comparisons[0].Outcome {
		t.Errorf("a profile made of %+v\n%+v", before, after)
	}
}
