package main

import (
	"errors"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

// TestOutcome: which verdicts make which exit status, and with which words.
func TestOutcome(t *testing.T) {
	one := protocol.Settings{Kind: "inference", Seed: 1}
	two := protocol.Settings{Kind: "inference", Seed: 2}
	null := protocol.Settings{Kind: "null"}
	claim := func(verdict string) *record.ClaimVerdict {
		return &record.ClaimVerdict{ID: "c", Verdict: verdict, Reason: "why"}
	}
	for _, c := range []struct {
		name        string
		a, b        protocol.Settings // of control and variant
		expects     bool              // the claim has numbers
		status      string            // of the cell
		outcome     string            // of the variant's throughput
		claim       *record.ClaimVerdict
		interrupted bool
		decisive    bool
		want        int
		says        string
	}{
		{name: "faster", a: one, b: two, status: record.OK, outcome: record.Faster, want: exitFine},
		{name: "slower is a finding", a: one, b: two, status: record.OK, outcome: record.Slower, decisive: true, want: exitFine},
		{name: "claim supported", a: one, b: two, status: record.OK, claim: claim(record.Supported), expects: true, decisive: true, want: exitFine},
		{name: "claim refuted", a: one, b: two, status: record.OK, claim: claim(record.Refuted), expects: true, decisive: true, want: exitFine},
		{name: "claim open", a: one, b: two, status: record.OK, claim: claim(record.Inconclusive), want: exitFine},
		{name: "claim open, decisive", a: one, b: two, status: record.OK, claim: claim(record.Inconclusive), decisive: true,
			want: exitUndecided, says: "s: claim c: inconclusive: why"},
		{name: "claim not tested, decisive", a: one, b: two, status: record.Skipped, claim: claim(record.NotTested), decisive: true,
			want: exitUndecided, says: "s: claim c: not tested: why"},
		{name: "skipped", a: one, b: two, status: record.Skipped, want: exitFine},
		{name: "few restarts", a: one, b: two, status: record.Insufficient, want: exitFine},
		{name: "few restarts, decisive", a: one, b: two, status: record.Insufficient, decisive: true, want: exitUndecided, says: "s: insufficient: reason"},
		{name: "disturbed, decisive", a: one, b: two, status: record.Contaminated, decisive: true, want: exitUndecided, says: "s: contaminated: reason"},
		{name: "crash", a: one, b: two, status: record.Crash, want: exitInvalid, says: "s: crash: reason"},
		{name: "other outputs", a: one, b: two, status: record.QualityFail, decisive: true, want: exitInvalid, says: "s: quality_fail: reason"},
		{name: "claim refuted by its check", a: one, b: two, status: record.QualityFail, claim: claim(record.Refuted), decisive: true, want: exitFine},
		{name: "claim supported by its check in few restarts", a: one, b: two, status: record.Insufficient, claim: claim(record.Supported), decisive: true, want: exitFine},
		{name: "claim refuted in few restarts", a: one, b: two, status: record.Insufficient, claim: claim(record.Refuted), expects: true, decisive: true,
			want: exitUndecided, says: "s: insufficient: reason"},
		{name: "claim refuted, but another arm fails", a: one, b: two, status: record.QualityFail, claim: claim(record.Refuted), expects: true,
			want: exitInvalid, says: "s: quality_fail: reason"},
		{name: "calibrated", a: one, b: one, status: record.OK, outcome: record.Equivalent, decisive: true, want: exitFine},
		{name: "calibration open", a: one, b: one, status: record.OK, outcome: record.Inconclusive, want: exitFine},
		{name: "calibration open, decisive", a: one, b: one, status: record.OK, outcome: record.Inconclusive, decisive: true,
			want: exitUndecided, says: "s: calibration in throughput: inconclusive"},
		{name: "false alarm", a: one, b: one, status: record.Contaminated, outcome: record.Faster, want: exitInvalid,
			says: "s: equal arms are told apart: v is faster in throughput; believe no verdict of this run"},
		{name: "null work is no calibration", a: null, b: null, status: record.OK, outcome: record.Faster, decisive: true, want: exitFine},
		{name: "cut short", a: one, b: two, status: record.OK, interrupted: true, want: exitInvalid,
			says: "id: the run is not complete; go on with: bench run --resume id"},
	} {
		run := record.Run{ID: "id", Cells: []record.Cell{{ID: "cell", Arms: []record.Arm{
			{Name: "control", Worker: "lens", Settings: c.a}, {Name: "v", Worker: "lens", Settings: c.b}}}}}
		if c.expects {
			run.Cells[0].Expect = []record.Expect{{Metric: record.Throughput, Op: ">=", Ratio: 1.4}}
		}
		v := record.Verdicts{Interrupted: c.interrupted, Cells: []record.CellVerdict{{Cell: "cell", Scenario: "s", Status: c.status,
			Reason: "reason", Claim: c.claim, Comparisons: []record.Comparison{{Metric: record.Throughput, Variant: "v", Outcome: c.outcome}}}}}
		code, says := exitFine, ""
		var s *status
		if err := outcome(run, v, c.decisive); errors.As(err, &s) {
			code, says = s.code, s.Error()
		}
		if code != c.want || says != c.says {
			t.Errorf("%s: exit status %d, %q; want %d, %q", c.name, code, says, c.want, c.says)
		}
	}
}
