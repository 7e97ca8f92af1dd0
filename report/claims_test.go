package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"lensbench/calibration"
	"lensbench/claims"
	"lensbench/record"
	"lensbench/report"
)

// claimPage has a line of every kind among those that nothing tests.
func claimPage(anyMachine bool) report.ClaimPage {
	m := made().run.Machine
	p := report.ClaimPage{Machine: &m, LeftOut: 3, Runs: "runs", Command: "bench claims --results RESULTS.md"}
	if anyMachine {
		p.Machine, p.LeftOut = nil, 0
	}
	p.Calibrations = []calibration.Machine{{Machine: m, Calibrations: calibrations()}}
	for _, promise := range claims.Promises() {
		lines := tested(promise)
		if lines == nil {
			lines = []claims.Line{{Promise: promise, Found: claims.Found{Verdict: record.NotTested, Reason: "no scenario yet"}}}
		}
		p.Lines = append(p.Lines, lines...)
	}
	return p
}

// calibrations are two that asked the same, of which one had a plant, and one that was quiet.
func calibrations() []calibration.Calibration {
	one := func(run, beside string, size, seen, of int) calibration.Calibration {
		return calibration.Calibration{Run: run, Scenario: "step", Size: size, Sets: of + 1, Unfit: 1, Restarts: size * (of + 1), Seconds: 200 * float64(of+1),
			Beside: beside, Metrics: []calibration.Metric{{Metric: record.Throughput, Rate: calibration.Rate{Seen: seen, Of: of}}}}
	}
	const busy = "a process that keeps one core busy"
	a, b, c := one("20260301T040506Z-aaaaaa", busy, 24, 0, 12), one("20260302T040506Z-bbbbbb", busy, 24, 1, 20), one("20260303T040506Z-cccccc", "", 8, 0, 9)
	a.Busy, a.Plant, a.Metrics[0].Found = 5, 2, &calibration.Rate{Seen: 11, Of: 12}
	return []calibration.Calibration{a, b, c}
}

// line is one of the scenario with a run.
func line(p claims.Promise, scenario, check, verdict, reason string, measured ...claims.Measured) claims.Line {
	started := time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC)
	return claims.Line{Promise: p,
		Test: claims.Test{Scenario: scenario, File: "scenarios/" + scenario + ".yaml", Command: "bench run " + scenario, Checks: "logits"},
		Found: claims.Found{Verdict: verdict, Reason: reason, Check: check, Arm: "variant", Control: "control", Measured: measured,
			Device: "CPU: Example CPU @ 2.10GHz", Run: "20260301T040506Z-aaaaaa", Started: &started, Machine: "1a2b3c4d"}}
}

func tested(p claims.Promise) []claims.Line {
	atLeast := func(bound, ratio, share float64, outcome string) claims.Measured {
		return claims.Measured{Expect: record.Expect{Metric: record.Throughput, Op: ">=", Ratio: bound},
			Comparison: compared(record.Throughput, "variant", "control", ratio, share, outcome)}
	}
	switch p.ID {
	case "ensemble-parallel":
		return []claims.Line{line(p, p.ID, record.Passed, record.Refuted,
			"throughput: threads/control = 0.909 (99 % interval 0.882–0.936), claimed ≥ 1.40", atLeast(1.4, 0.909, 0.03, record.Slower))}
	case "amp":
		l := line(p, p.ID, record.Passed, record.Supported,
			"throughput: variant/control = 2.20 (99 % interval 2.16–2.24), claimed ≥ 2.00; memory_peak: variant/control = 0.673 exactly, claimed ≤ 0.80",
			atLeast(2, 2.2, 0.02, record.Faster),
			claims.Measured{Expect: record.Expect{Metric: record.MemoryPeak, Op: "<=", Ratio: 0.8}, Comparison: exact("variant", "control", 0.673, record.Less)})
		l.Point = map[string]string{"model": "resnet18"}
		return []claims.Line{l}
	case "jit":
		return []claims.Line{line(p, p.ID, record.Passed, record.Inconclusive,
			"throughput: variant/control = 1.08 (99 % interval 1.01–1.15), claimed ≥ 1.10; a distance of 9.1 % from it would have been seen with 95 % power",
			atLeast(1.1, 1.08, 0.07, record.Faster))}
	case "quantize":
		return []claims.Line{line(p, p.ID, record.NotPassed, record.QualityFail, "arm variant: logits differ from the control's by up to 0.25; the tolerance is 1e-05")}
	case "distributed":
		return []claims.Line{line(p, p.ID, "", record.NotTested, "arm variant: skipped: needs 2 devices; this machine has none")}
	case "accuracy-kept":
		second := claims.Line{Promise: p, Test: claims.Test{Scenario: "accuracy-quantize", File: "scenarios/accuracy-quantize.yaml", Command: "bench run accuracy-quantize"},
			Found: claims.Found{Verdict: record.NotTested, Reason: "not run yet"}}
		return []claims.Line{line(p, "accuracy-amp", record.Passed, record.Supported, "final_quality passed in all 2 comparisons with control, at up to 0.42 of the half-width of its seed-to-seed band"), second}
	case "repeatable":
		return []claims.Line{line(p, p.ID, record.NotPassed, record.Refuted, "arm again: digests differ from the control's: part 2 of 3 is 0f3a9c1b2d4e, the control's 77aa01bc93de; found after the timing of restart 8")}
	}
	return nil
}

func TestClaimText(t *testing.T) {
	for _, c := range []struct {
		name  string
		width int
		any   bool
	}{{"claims.100.txt", 100, false}, {"claims.80.txt", 80, false}, {"claims-any.100.txt", 100, true}} {
		var b bytes.Buffer
		if err := report.ClaimText(&b, claimPage(c.any), report.Options{Width: c.width}); err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, b.String())
		for i, line := range strings.Split(b.String(), "\n") {
			if w := twwidth.Width(line); w > c.width {
				t.Errorf("%s: line %d has %d columns: %s", c.name, i+1, w, line)
			}
		}
	}
}

func TestClaimForms(t *testing.T) {
	var md, table, doc bytes.Buffer
	p := claimPage(false)
	for _, err := range []error{report.ClaimMarkdown(&md, p), report.ClaimCSV(&table, p), report.ClaimJSON(&doc, p)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "claims.md", md.String())
	golden(t, "claims.csv", table.String())
	golden(t, "claims.json", doc.String())
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 1+len(p.Lines)+1 { // a head, and one line with two metrics
		t.Errorf("%d rows of CSV, %v; want %d", len(rows), err, len(p.Lines)+2)
	}
	var back struct{ Claims []claims.Line }
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || !slices.EqualFunc(back.Claims, p.Lines, func(a, b claims.Line) bool {
		return fmt.Sprint(a.Promise, a.Test, a.Verdict) == fmt.Sprint(b.Promise, b.Test, b.Verdict)
	}) {
		t.Errorf("read back %v, %v", back.Claims, err)
	}
}

// TestClaimsBlock: the two blocks of one file do not touch each other.
func TestClaimsBlock(t *testing.T) {
	text := []byte(begin + end + report.ClaimsBlock.Begin + "\n" + report.ClaimsBlock.End + "\n")
	one, err := report.Splice(text, []byte("run"))
	if err != nil {
		t.Fatal(err)
	}
	both, err := report.ClaimsBlock.Splice(one, []byte("claims"))
	if want := begin + "\nrun\n\n" + end + report.ClaimsBlock.Begin + "\n\nclaims\n\n" + report.ClaimsBlock.End + "\n"; err != nil || string(both) != want {
		t.Errorf("%q, %v; want %q", both, err, want)
	}
	if _, err := report.ClaimsBlock.Splice([]byte(begin+end), nil); err == nil || !strings.Contains(err.Error(), "put the lines "+report.ClaimsBlock.Begin) {
		t.Errorf("without markers of its own: %v", err)
	}
}
