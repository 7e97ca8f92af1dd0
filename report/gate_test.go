package report

import (
	"bytes"
	"encoding/xml"
	"math"
	"strings"
	"testing"

	"lensbench/gate"
	"lensbench/record"
)

// aNight has a cell of every outcome, and names that no format may trip over.
func aNight() (record.Run, gate.Verdict) {
	k := func(metric, outcome string, ratio float64) record.Comparison {
		return record.Comparison{Metric: metric, Variant: gate.Head, Control: gate.Base, Ratio: ratio, Low: ratio * 0.995, High: ratio * 1.005, Confidence: 0.99,
			P: 0.001, Theta: 0.01, MDE: 0.012, Outcome: outcome, Restarts: 12, Pairs: 48, Reason: "head/base, in numbers", Family: &record.Family{Size: 4, Adjusted: 0.002, Holm: 0.004}}
	}
	cell := func(name, outcome string, f ...gate.Finding) gate.Cell {
		return gate.Cell{ID: name, Name: name, Outcome: outcome, Findings: f, Seen: outcome != gate.Invalid,
			Again:  []record.Comparison{k(record.Throughput, record.Equivalent, 1)},
			Canary: []record.Comparison{k(record.Throughput, record.Slower, 0.971)}}
	}
	slower := k(record.Throughput, record.Slower, 0.95)
	bad := cell(`odd <&"> name | with *stars*`, gate.Invalid, gate.Finding{Metric: record.Throughput, Outcome: gate.Passed, First: k(record.Throughput, record.Equivalent, 1)})
	bad.Reasons = []string{"the canary was missed\x01: <why>"}
	none := cell("no gpu", gate.Skipped, gate.Finding{Metric: record.Throughput, Outcome: gate.Passed, First: record.Comparison{Metric: record.Throughput, Ratio: math.NaN(), Outcome: record.Skipped}})
	none.Reasons = []string{"needs cuda"}
	quiet := cell("quiet", gate.Passed, gate.Finding{Metric: record.Throughput, Outcome: gate.Passed, First: k(record.Throughput, record.Equivalent, 1.001)})
	quiet.Ended = 8
	early := &quiet.Findings[0].First
	early.Low, early.High, early.Look, early.Inner = 0, math.Inf(1), &record.Look{Restarts: 8, Budget: 16, Decided: true}, &record.Interval{Low: 0.998, High: 1.003}
	v := gate.Verdict{Run: "20260301T020000Z-a1b2c3", Replication: "20260301T030000Z-d4e5f6", Outcome: gate.Invalid,
		Gate: &record.Gate{Delay: 3, Builds: []record.Build{{Worker: gate.HeadWorker, Given: "the work tree", Commit: strings.Repeat("b", 40), Subject: "a | b", ID: "1a2b"},
			{Worker: gate.BaseWorker, Given: "./old", ID: "3c4d"}}},
		Reasons: []string{bad.Name + ": " + bad.Reasons[0]}, Notes: []string{"a note"},
		Cells: []gate.Cell{
			quiet,
			cell("slow", gate.Regressed, gate.Finding{Metric: record.Throughput, Outcome: gate.Regressed, First: slower, Replication: &slower},
				gate.Finding{Metric: record.Latency, Outcome: gate.Unconfirmed, First: k(record.Latency, record.Slower, 1.02), Replication: &slower}),
			cell("open", gate.Inconclusive, gate.Finding{Metric: record.Throughput, Outcome: gate.Inconclusive, First: k(record.Throughput, record.Inconclusive, 0.99)}),
			bad, none}}
	return record.Run{ID: v.Run, Machine: record.Machine{CPUs: 2}, Gate: v.Gate, Command: []string{"bench", "nightly"}}, v
}

// TestJUnit: what regressed is a failure, what cannot be believed an error, and what is
// inconclusive a failure where that is forbidden; the file is XML whatever names hold.
func TestJUnit(t *testing.T) {
	run, v := aNight()
	for strict, failures := range map[bool]int{false: 1, true: 2} {
		var b bytes.Buffer
		if err := JUnit(&b, run, v, strict); err != nil {
			t.Fatal(err)
		}
		var got junitSuites
		if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, b.String())
		}
		s := got.Suites[0]
		if s.Tests != 7 || len(s.Cases) != 7 || s.Failures != failures || s.Errors != 2 || s.Skipped != 1 || got.Failures != failures || got.Errors != 2 {
			t.Errorf("strict %v: %+v", strict, s)
		}
		byName := map[string]junitCase{}
		for _, c := range s.Cases {
			byName[c.Class+"/"+c.Name] = c
		}
		if c := byName[`odd <&"> name | with *stars*/throughput`]; c.Error == nil || c.Error.Message != "the canary was missed: <why>" {
			t.Errorf("%+v", c)
		}
		if c := byName["slow/throughput"]; c.Failure == nil || c.Failure.Type != gate.Regressed || !strings.Contains(c.Failure.Message, "in a fresh run") {
			t.Errorf("%+v", c)
		}
		if c := byName["slow/latency"]; c.Failure != nil || c.Error != nil {
			t.Errorf("what is not confirmed fails: %+v", c)
		}
		if c := byName["no gpu/throughput"]; c.Skipped == nil || c.Skipped.Message != "needs cuda" {
			t.Errorf("%+v", c)
		}
		if c := byName["instrument/run "+v.Run]; c.Error == nil {
			t.Errorf("%+v", c)
		}
	}
}

// TestGateReports: every cell with its outcome, the worst first, within the width.
func TestGateReports(t *testing.T) {
	run, v := aNight()
	var text, markdown bytes.Buffer
	if err := GateText(&text, v, Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if err := GateMarkdown(&markdown, run, v); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if n := columns(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, out := range []string{text.String(), markdown.String()} {
		last := 0
		for _, name := range []string{"INVALID", "odd", "regressed", "quiet", "inconclusive", "skipped"} {
			at := strings.Index(out[last:], name)
			if at < 0 {
				t.Errorf("no %q after byte %d of\n%s", name, last, out)
				break
			}
			last += at
		}
		for _, want := range []string{"base not told apart from itself in 5 of 5 cells; canary of 3 % seen in 4", "1 of 5 cells ended before their last restart, since a look found nothing", "[0.9980, 1.0030]", "a note", "build 3c4d"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
	if n := strings.Count(markdown.String(), "\n| ") + strings.Count(markdown.String(), "\n|:"); n < 7 {
		t.Errorf("%d lines of a table:\n%s", n, markdown.String())
	}
}
