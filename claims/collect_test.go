package claims

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lensbench/record"
	"lensbench/scenarios"
)

const amp = `name: amp
title: Mixed precision
claim: {id: amp, says: "2–3× faster"}
workload: {kind: train}
matrix: {model: [resnet18, resnet34]}
control: {}
variants: {small: {set: {batch: 8}}}
decides: {variant: small, model: resnet34}
check: {losses: 1e-3}
measure: [throughput, memory]
expect: [{metric: throughput, ratio: ">= 2"}, {metric: memory_peak, ratio: "<= 0.8"}]
plan: {restarts: 12, blocks: 4}
`

func scenario(t *testing.T, name, text string) Scenario {
	t.Helper()
	s, err := scenarios.Parse(name+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Scenario{s, "scenarios/" + name + ".yaml", "bench run " + name}
}

var (
	here  = record.Machine{CPUModel: "Here", CPUs: 2}
	there = record.Machine{CPUModel: "There", CPUs: 8}
)

// result is a run of a scenario on a day, with a verdict on its claim.
func result(s Scenario, day int, m record.Machine, verdict string) Result {
	r := Result{Run: record.Run{ID: "run" + string(rune('0'+day)), Started: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC), Machine: m,
		Cells: scenarios.Expand(s.Scenario)}}
	for _, c := range r.Run.Cells {
		cv := record.CellVerdict{Cell: c.ID, Scenario: c.Scenario, Arms: []record.ArmSummary{{Arm: "control"}, {Arm: "small", Check: record.Passed}}}
		if c.Decides != "" {
			cv.Claim = &record.ClaimVerdict{ID: c.Claim.ID, Verdict: verdict, Reason: "because", Device: "CPU: " + m.CPUModel}
			cv.Comparisons = []record.Comparison{{Metric: record.MemoryPeak, Variant: "small", Ratio: 0.7, Pairs: 2, Exact: true},
				{Metric: record.Latency, Variant: "small", Ratio: 0.5, Pairs: 48}, {Metric: record.Throughput, Variant: "small", Ratio: 2.1, Pairs: 48}}
		}
		r.Verdicts.Cells = append(r.Verdicts.Cells, cv)
	}
	return r
}

// linesFor are the lines of one promise.
func linesFor(lines []Line, id string) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.ID != id })
}

// TestEveryPromiseHasALine, tested or not, each once and in order.
func TestEveryPromiseHasALine(t *testing.T) {
	lines := Collect(nil, nil)
	if len(lines) != len(promises) {
		t.Fatalf("%d lines; want %d", len(lines), len(promises))
	}
	seen := map[string]bool{}
	for i, l := range lines {
		if l.Promise != promises[i] || l.Verdict != record.NotTested || l.Reason != "no scenario yet" {
			t.Errorf("line %+v; want %+v not tested", l, promises[i])
		}
		if seen[l.ID] || l.Proposes == "" || l.Claimed == "" || !slices.Contains([]string{Review, Goals, Ours}, l.Group) {
			t.Errorf("promise %+v", l.Promise)
		}
		seen[l.ID] = true
	}
}

func TestALineSaysWhatTheDecidingCellFound(t *testing.T) {
	s := scenario(t, "amp", amp)
	got := linesFor(Collect([]Scenario{s}, []Result{result(s, 1, here, record.Supported)}), "amp")
	if len(got) != 1 {
		t.Fatalf("%d lines; want 1", len(got))
	}
	l := got[0]
	if l.Claimed != "2–3× speed, −20–30 % memory" {
		t.Errorf("claimed %q; want the words of the table", l.Claimed)
	}
	want := Test{Scenario: "amp", Point: map[string]string{"model": "resnet34"}, File: "scenarios/amp.yaml", Command: "bench run amp", Checks: "losses"}
	if !reflect.DeepEqual(l.Test, want) {
		t.Errorf("test %+v; want %+v", l.Test, want)
	}
	if l.Verdict != record.Supported || l.Reason != "because" || l.Check != record.Passed || l.Arm != "small" || l.Control != "control" ||
		l.Device != "CPU: Here" || l.Run != "run1" || l.Machine != here.ID() || l.Started == nil {
		t.Errorf("found %+v", l.Found)
	}
	if len(l.Measured) != 2 || l.Measured[0].Comparison.Ratio != 2.1 || l.Measured[0].Expect.Ratio != 2 || l.Measured[1].Comparison.Ratio != 0.7 {
		t.Errorf("measured %+v; want throughput and memory, in the order of expect", l.Measured)
	}
}

// The command makes as long a run as the one that counts, if that was longer than its
// scenario says.
func TestTheCommandRepeatsTheRun(t *testing.T) {
	s := scenario(t, "amp", amp)
	r := result(s, 1, here, record.Supported)
	for i := range r.Run.Cells {
		r.Run.Cells[i].Plan.Restarts, r.Run.Cells[i].Plan.Blocks = 128, 99
	}
	if got := linesFor(Collect([]Scenario{s}, []Result{r}), "amp")[0].Command; got != "bench run amp --restarts 128 --blocks 99" {
		t.Errorf("command %q", got)
	}
}

// TestWhichRunCounts: the newest whole one of the scenario as it is now.
func TestWhichRunCounts(t *testing.T) {
	s := scenario(t, "amp", amp)
	other := scenario(t, "amp", strings.Replace(amp, "batch: 8", "batch: 4", 1))
	bolder := scenario(t, "amp", strings.Replace(amp, ">= 2", ">= 3", 1))
	laxer := scenario(t, "amp", strings.Replace(amp, "1e-3", "1e-1", 1))
	retitled := scenario(t, "amp", strings.Replace(amp, "Mixed", "More mixed", 1))
	cut := func(r Result) Result {
		for i := range r.Run.Cells {
			r.Run.Cells[i].Plan.Restarts = 1
		}
		return r
	}
	stopped := func(r Result) Result { r.Verdicts.Interrupted = true; return r }
	for _, c := range []struct {
		name    string
		results []Result
		run     string
		verdict string
		reason  string
	}{
		{"none", nil, "", record.NotTested, "not run yet"},
		{"the newest", []Result{result(s, 1, here, record.Supported), result(s, 3, here, record.Refuted), result(s, 2, here, record.Inconclusive)},
			"run3", record.Refuted, "because"},
		{"whole before cut down", []Result{result(s, 1, here, record.Supported), cut(result(s, 2, here, record.Inconclusive))}, "run1", record.Supported, "because"},
		{"whole before interrupted", []Result{stopped(result(s, 2, here, record.Inconclusive)), result(s, 1, here, record.Supported)}, "run1", record.Supported, "because"},
		{"cut down alone", []Result{cut(result(s, 2, here, record.Inconclusive))}, "run2", record.Inconclusive, "because; the run was cut down to 1 × 4 of 12 × 4 blocks"},
		{"interrupted alone", []Result{stopped(result(s, 2, here, record.Supported))}, "run2", record.Supported, "because; the run was interrupted"},
		{"another title is the same", []Result{result(retitled, 2, here, record.Supported)}, "run2", record.Supported, "because"},
		{"other settings", []Result{result(other, 2, here, record.Supported)}, "", record.NotTested, "run run2 was of an earlier version of the scenario; run it again"},
		{"another expectation", []Result{result(bolder, 2, here, record.Refuted)}, "", record.NotTested, "run run2 was of an earlier version of the scenario; run it again"},
		{"another check", []Result{result(laxer, 2, here, record.Supported), result(s, 1, here, record.Refuted)}, "run1", record.Refuted, "because"},
	} {
		got := linesFor(Collect([]Scenario{s}, c.results), "amp")
		if len(got) != 1 || got[0].Run != c.run || got[0].Verdict != c.verdict || got[0].Reason != c.reason {
			t.Errorf("%s: %+v; want %s %s: %s", c.name, got, c.run, c.verdict, c.reason)
		}
	}
}

// TestLinesPerScenarioAndMachine: several scenarios may test one promise, and
// machines are never mixed.
func TestLinesPerScenarioAndMachine(t *testing.T) {
	first, second := scenario(t, "amp", amp), scenario(t, "amp-large", strings.Replace(amp, "name: amp", "name: amp-large", 1))
	got := linesFor(Collect([]Scenario{first, second}, []Result{
		result(first, 1, there, record.Supported), result(first, 2, here, record.Refuted), result(first, 3, there, record.Inconclusive)}), "amp")
	var found []string
	for _, l := range got {
		found = append(found, l.Scenario+" "+l.Run+" "+l.Verdict)
	}
	want := []string{"amp run3 inconclusive", "amp run2 refuted", "amp-large  not tested"}
	if !slices.Equal(found, want) {
		t.Errorf("%v; want %v", found, want)
	}
}

// TestClaimsBeyondTheTable have lines behind it, in their own words.
func TestClaimsBeyondTheTable(t *testing.T) {
	s := scenario(t, "amp", strings.Replace(amp, "id: amp", "id: my-own", 1))
	got := linesFor(Collect([]Scenario{s}, nil), "my-own")
	want := Promise{"my-own", Ours, "Mixed precision", "2–3× faster"}
	if len(got) != 1 || got[0].Promise != want || got[0].Reason != "not run yet" {
		t.Errorf("%+v; want %+v", got, want)
	}
}

// TestChecksOfOlderDocuments, which do not name the result.
func TestChecksOfOlderDocuments(t *testing.T) {
	worst := 0.0
	for want, a := range map[string]record.ArmSummary{
		record.Passed:    {Arm: "a", Status: record.OK, Worst: &worst},
		record.NotPassed: {Arm: "a", Status: record.QualityFail},
		"":               {Arm: "a", Status: record.Crash, Worst: &worst},
	} {
		if got := checkOf(record.CellVerdict{Arms: []record.ArmSummary{{Arm: "b", Check: "x"}, a}}, "a"); got != want {
			t.Errorf("%+v: %q; want %q", a, got, want)
		}
	}
}
