package runner

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// TestDifference: how each rule measures, and what it says of outputs that do
// not pass.
func TestDifference(t *testing.T) {
	nan, inf := protocol.Number(math.NaN()), protocol.Number(math.Inf(1))
	values := func(v ...protocol.Number) protocol.Outputs { return *fakeworker.Outputs(v...) }
	parts := func(p ...string) protocol.Outputs { return *fakeworker.Parts(p...) }
	logits := record.Equal{Output: "logits", Tolerance: 1e-5}
	gradients := record.Equal{Output: "gradients", Rule: record.RuleLargest, Tolerance: 1e-3}
	bits := record.Equal{Output: "gradients", Rule: record.RuleLargest}
	digests := record.Equal{Output: "digests", Rule: record.RuleDigest}
	band := record.Equal{Output: "loss", Rule: record.RuleSeedBand, Tolerance: 1}
	bands := record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}
	quality := func(loss, auroc, bad protocol.Number) protocol.Outputs { // of three seeds
		return *fakeworker.Rows([]protocol.Number{loss, loss + 0.01, loss - 0.01}, []protocol.Number{auroc, auroc + 0.01, auroc - 0.01}, []protocol.Number{bad, 0, 0})
	}
	signed, withParts, otherParts := values(1, 0), values(1), values(1)
	signed.Values[1] = protocol.Number(math.Copysign(0, -1))
	signed.Digest = digest(signed.Values)
	withParts.Digests, otherParts.Digests = []string{"aa", "bb"}, []string{"aa", "cc"}
	for _, tt := range []struct {
		name  string
		rule  record.Equal
		a, b  protocol.Outputs
		worst float64
		why   string // part of it; "" passes
	}{
		{"equal", logits, values(1, 2), values(1, 2), 0, ""},
		{"small values: absolute", logits, values(0.5), values(0.25), 0.25, "logits differ from the control's by up to 0.25; the tolerance is 1e-05"},
		{"large ones: relative", logits, values(110), values(100), 0.1, "by up to 0.1;"},
		{"negative ones", logits, values(-110), values(-100), 0.1, "by up to 0.1;"},
		{"the worst counts", logits, values(1, 3), values(1, 2), 0.5, "by up to 0.5;"},
		{"not a number", logits, values(nan), values(1), math.NaN(), "logits are not finite numbers"},
		{"nor the control's", logits, values(1), values(nan), math.NaN(), "logits are not finite numbers"},
		{"equal infinities", logits, values(inf), values(inf), math.NaN(), "logits are not finite numbers"},
		{"another shape", logits, values(1), values(1, 2), math.NaN(), "logits have shape [1], the control's [2]"},

		{"relative to the largest", gradients, values(4, 1.002), values(4, 1), 0.0005, ""},
		{"too far from it", gradients, values(4, 1.01), values(4, 1), 0.0025, "gradients differ from the control's by up to 0.0025 of the largest; the tolerance is 0.001"},
		{"a control of zeros", gradients, values(0), values(0), 0, ""},
		{"beside a control of zeros", gradients, values(1e-9), values(0), math.Inf(1), "by up to +Inf of the largest"},
		{"identical bits", bits, withParts, withParts, 0, ""},
		{"the last bit", bits, values(1, 2+0x1p-22), values(1, 2), 0x1p-23, "the tolerance is 0"},
		{"the sign of a zero", bits, signed, values(1, 0), 0, "gradients have other bits than the control's: they digest to"},
		{"a part that was not sent", bits, otherParts, withParts, 0, "gradients have other bits than the control's: part 2 of 2 is cc, the control's bb"},

		{"the same batches", digests, parts("aa", "bb"), parts("aa", "bb"), 0, ""},
		{"another batch", digests, parts("aa", "cc"), parts("aa", "bb"), 1, "digests differ from the control's: part 2 of 2 is cc, the control's bb"},
		{"another order", digests, parts("bb", "aa"), parts("aa", "bb"), 2, "part 1 of 2 is bb, the control's aa"},
		{"a batch too few", digests, parts("aa"), parts("aa", "bb"), 1, "part 2 of 2 is absent"},
		{"values by their digest", digests, values(1, 2), values(1, 3), 1, "they digest to"},

		{"inside of the band", band, values(0.51, 0.52, 0.50), values(0.50, 0.52, 0.51), 0, ""},
		{"bounded", record.Equal{Output: "norms", Rule: record.RuleBound, Tolerance: 10}, values(0.5, 9), values(1), 9, ""},
		{"beyond the bound", record.Equal{Output: "norms", Rule: record.RuleBound, Tolerance: 10}, values(0.5, 12), values(1, 2), 12, "norms are up to 12; the bound is 10"},
		{"bounded, but not finite", record.Equal{Output: "norms", Rule: record.RuleBound, Tolerance: 10}, values(0.5, nan), values(1, 2), math.NaN(), "norms: value 2 of 2 is NaN; all must be finite"},
		{"worse than any seed", band, values(0.61, 0.62, 0.60), values(0.50, 0.52, 0.51), 1.2341, "loss has mean 0.61 over 3 seeds, outside of the control's seed-to-seed band 0.429–0.591 (99 %)"},
		{"better than any seed", band, values(0.31, 0.32, 0.30), values(0.50, 0.52, 0.51), 2.4682, "loss has mean 0.31"},
		{"a seed that diverged", band, values(0.51, nan, 0.50), values(0.50, 0.52, 0.51), math.NaN(), "loss: a value is NaN; all must be finite"},
		{"loss and AUROC inside", bands, quality(0.51, 0.8, 0), quality(0.5, 0.81, 0), 0.1234, ""},
		{"a loss as good, but an AUROC that is worse", bands, quality(0.5, 0.5, 0), quality(0.5, 0.8, 0), 3.7023, "final_quality: AUROC has mean 0.5 over 3 seeds, outside of the control's seed-to-seed band 0.719–0.881 (99 %)"},
		{"an AUROC as good, but a loss that is worse", bands, quality(0.7, 0.8, 0), quality(0.5, 0.8, 0), 2.4682, "final_quality: loss has mean 0.7"},
		{"one step without a finite norm", bands, quality(0.5, 0.8, 1), quality(0.5, 0.8, 0), math.Inf(1), "final_quality: number of steps without a finite gradient norm has mean 0.3333 over 3 seeds, outside of the control's seed-to-seed band 0–0 (99 %)"},
		{"a measure too few", bands, values(0.5, 0.51, 0.49), quality(0.5, 0.8, 0), math.NaN(), "final_quality have shape [3], the control's [3 3]"},
	} {
		worst, why := difference(tt.rule, tt.a, tt.b)
		if math.Abs(worst-tt.worst) > 1e-4*tt.worst && !(math.IsNaN(worst) && math.IsNaN(tt.worst)) {
			t.Errorf("%s: %v; want %v", tt.name, worst, tt.worst)
		}
		if (why == "") != (tt.why == "") || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %q; want %q", tt.name, why, tt.why)
		}
	}
}

// scoresWithin is a check of the scores of ten images.
func scoresWithin(fall, changed float64) record.Equal {
	return record.Equal{Output: "scores", Rule: record.RuleScores, Tolerance: 1,
		Scores: &record.ScoreLimits{AUROCDrop: fall, Changed: changed, Images: 10, Survey: "default"}}
}

// What is kept of a comparison of scores is what was measured, whether or not it passes.
func TestDriftIsRecorded(t *testing.T) {
	cell := faultyCell()
	limits := scoresWithin(0.1, 0.2)
	cell.Equal = &limits
	opts := options(t, fakeworker.Script{}, cell)
	opts.Workers["faulty"] = fake(fakeworker.Script{Name: "faulty", Faults: []fakeworker.Fault{{Do: "sway", At: protocol.OpVerify, Every: true}}})
	seen := 0
	for _, e := range journal(t, mustStart(t, opts))[record.KindOutputs] {
		o := e.Outputs
		if o == nil {
			continue
		}
		if o.Drift == nil {
			t.Fatalf("%s: no drift: %s", o.Arm, o.Why)
		}
		want, worst := record.Drift{Images: 10, Control: 1, AUROC: 1}, 0.0
		if o.Arm == "variant1" {
			seen++
			moved := 1/(1+math.Exp(-0.05)) - 1/(1+math.Exp(0.05))
			if math.Abs(o.Drift.Max-moved) > 1e-7 {
				t.Errorf("a score moved by %v, want %v", o.Drift.Max, moved)
			}
			// Of ten decisions two may change, and that is the nearer limit.
			worst, want.AUROC, want.Changed, want.P99, want.Max = 0.5, 0.96, 1, o.Drift.P99, o.Drift.Max
		}
		if !o.Pass || *o.Drift != want || math.Abs(float64(o.Worst)-worst) > 1e-12 {
			t.Errorf("%s: pass %v, worst %v, drift %+v; want %v, %+v", o.Arm, o.Pass, o.Worst, o.Drift, worst, want)
		}
	}
	if seen != 2 {
		t.Errorf("the variant was compared %d times; want before and after", seen)
	}
}

// Every check has an arm that fails it, before the timing and after.
func TestEveryCheckCanFail(t *testing.T) {
	for _, tt := range []struct {
		equal  record.Equal
		do     string
		status string
		reason string
	}{
		{record.Equal{Output: "logits", Tolerance: 1e-5}, "drift", record.QualityFail, "logits differ from the control's by up to 0.1; the tolerance is 1e-05"},
		{record.Equal{Output: "losses", Tolerance: 1e-3}, "drift", record.QualityFail, "losses differ from the control's by up to 0.1; the tolerance is 0.001"},
		{record.Equal{Output: "gradients", Rule: record.RuleLargest, Tolerance: 1e-3}, "drift", record.QualityFail, "gradients differ from the control's by up to 0.025 of the largest"},
		{record.Equal{Output: "gradients", Rule: record.RuleLargest}, "nudge", record.QualityFail, "gradients have other bits than the control's: part 2 of 2"},
		{record.Equal{Output: "digests", Rule: record.RuleDigest}, "swap", record.QualityFail, "digests differ from the control's: part 1 of 3"},
		{record.Equal{Output: "fused", Tolerance: 1e-6}, "drift", record.QualityFail, "fused differ from the control's by up to 0.1; the tolerance is 1e-06"},
		{record.Equal{Output: "weights", Tolerance: 1e-4}, "drift", record.QualityFail, "weights differ from the control's by up to 0.1; the tolerance is 0.0001"},
		{record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}, "drift", record.QualityFail, "final_quality: loss has mean 0.605 over 5 seeds, outside"},
		{record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}, "nan-outputs", record.QualityFail, "final_quality: loss: a value is NaN"},

		{scoresWithin(0.01, 0.5), "sway", record.QualityFail, "scores: AUROC is 0.96000, 0.04 below the control's 1.00000; the limit is 0.01"},
		{scoresWithin(0.5, 0.05), "sway", record.QualityFail, "scores: 1 of 10 decisions are not the control's; the limit is 5 %"},
		{scoresWithin(0.01, 0.05), "nan-outputs", record.QualityFail, "scores: image 1 has logit NaN"},
		{scoresWithin(0.01, 0.05), "shape", record.QualityFail, "scores: outputs of shape [2]; want logits, thresholds, labels"},
		{scoresWithin(0.01, 0.05), "unsupported", record.Skipped, "PyTorch is not installed"},
		{record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}, "shape", record.Invalid, "worker sent final_quality of 2 seeds; a seed-to-seed band needs 3"},
		{record.Equal{Output: "digests", Rule: record.RuleDigest}, "lie-digest", record.Invalid, "worker's digest of its 3 digests is 00…"},
		{record.Equal{Output: "fused", Tolerance: 1e-6}, "unsupported", record.Skipped, "PyTorch is not installed"},
		{record.Equal{Output: "gradients", Rule: record.RuleLargest}, "bad-request", record.Incomparable, "this build of the worker cannot be asked for gradients: request has the unknown key"},
	} {
		for nth, when := range []string{before, after} {
			t.Run(tt.equal.Output+" "+tt.do+" "+when, func(t *testing.T) {
				cell := faultyCell()
				cell.Equal = &tt.equal
				opts := options(t, fakeworker.Script{}, cell)
				opts.Workers["faulty"] = fake(fakeworker.Script{Name: "faulty", Faults: []fakeworker.Fault{{Do: tt.do, At: protocol.OpVerify, Nth: nth + 1}}})
				j := journal(t, mustStart(t, opts))
				s := onlyStatus(t, j)
				if s.Arm != "variant1" || s.Status != tt.status || !strings.HasPrefix(s.Reason, tt.reason) {
					t.Errorf("arm %s ended as %s: %s; want %s: %s", s.Arm, s.Status, s.Reason, tt.status, tt.reason)
				}
				if said := strings.HasSuffix(s.Reason, "; found after the timing of restart 1"); tt.status == record.QualityFail && said != (when == after) {
					t.Errorf("found %s: %s", when, s.Reason)
				}
			})
		}
	}
}

// Outputs that cost little are compared in every restart, others after the last.
func TestChecksRepeatWhereTheyAreCheap(t *testing.T) {
	for limit, want := range map[float64]string{math.Inf(1): "0 1 2", 0: "2"} {
		repeatChecks(t, limit)
		cell := smallCell("c", 2)
		cell.Plan.Restarts = 3
		var got []string
		for _, e := range journal(t, mustStart(t, options(t, fakeworker.Script{}, cell)))[record.KindOutputs] {
			if e.Outputs.Arm == "variant1" && e.Outputs.When == after {
				got = append(got, strconv.Itoa(e.Outputs.Restart))
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("limit %v: compared after restarts %s; want %s", limit, s, want)
		}
	}
}

// repeatChecks sets for one test how much checks may cost in every restart.
func repeatChecks(t *testing.T, limit float64) {
	t.Helper()
	old := cheapCheck
	t.Cleanup(func() { cheapCheck = old })
	cheapCheck = limit
}

func TestWhatIsCheap(t *testing.T) {
	c := &cellRun{cell: record.Cell{Plan: record.Plan{Blocks: 10}}, arms: []*arm{
		{Arm: record.Arm{Name: "a"}, iteration: 0.01}, {Arm: record.Arm{Name: "b"}, iteration: 0.03}}}
	for took, want := range map[float64]bool{0.01: true, 0.04: true, 0.06: false} {
		// Ten blocks of two iterations of each arm and two gaps are 0.84 s.
		c.state = &cellState{iterations: 1, verify: map[string]float64{"a": took, "b": took}}
		if got := c.checkIsCheap(); got != want {
			t.Errorf("%v s of each arm: cheap is %v; want %v", took, got, want)
		}
	}
}
