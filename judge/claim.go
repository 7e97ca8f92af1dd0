package judge

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// claim is the verdict on the cell's claim; nil if the cell does not decide
// one.
func (c *cell) claim(status, reason string, comparisons []record.Comparison) *record.ClaimVerdict {
	if c.Claim == nil || c.Decides == "" {
		return nil
	}
	v := &record.ClaimVerdict{ID: c.Claim.ID, Says: c.Claim.Says, Device: c.device()}
	v.Verdict, v.Reason = c.decide(status, reason, comparisons)
	return v
}

// device names what the verdict holds for: the accelerator if the deciding arm
// needs one, else the CPU.
func (c *cell) device() string {
	if a := c.arm(c.Decides); a != nil && c.machine.GPU != "" && slices.ContainsFunc(a.Needs, needsAccelerator) {
		return "GPU: " + c.machine.GPU
	}
	if c.machine.CPUModel == "" {
		return "CPU: unknown model"
	}
	return "CPU: " + c.machine.CPUModel
}

func needsAccelerator(need string) bool {
	_, several := protocol.DevicesNeeded(need)
	return several || need == protocol.NeedCUDA
}

// decide goes from what forbids a verdict to the numbers.
func (c *cell) decide(status, reason string, comparisons []record.Comparison) (string, string) {
	decider := c.arm(c.Decides)
	if decider == nil {
		return record.NotTested, fmt.Sprintf("the deciding arm %s is not in this cell", c.Decides)
	}
	switch broken := firstBroken(decider, &c.arms[0]); {
	case broken != nil && broken.status == record.QualityFail && c.byCheck():
		return record.Refuted, fmt.Sprintf("arm %s: %s", broken.Name, broken.reason)
	case broken != nil && broken.status == record.QualityFail:
		return record.QualityFail, fmt.Sprintf("arm %s: %s%s", broken.Name, broken.reason, c.numbers(comparisons))
	case broken != nil:
		return record.NotTested, fmt.Sprintf("arm %s: %s: %s", broken.Name, broken.status, broken.reason)
	case c.ended != nil:
		return record.NotTested, fmt.Sprintf("%s: %s", c.ended.Status, c.ended.Reason)
	}
	if len(c.Expect) == 0 {
		return c.decideByCheck(decider)
	}
	finding, why := c.weigh(comparisons)
	switch {
	case finding == record.NotTested || finding == record.Inconclusive:
	case status == record.Contaminated:
		return record.Inconclusive, fmt.Sprintf("%s; but %s", why, reason)
	case finding == record.Supported && c.Equal != nil && !decider.passed():
		return record.Inconclusive, why + "; but its outputs were not compared with the control's"
	}
	return finding, why
}

// byCheck says whether the claim is that outputs are the control's: it has no
// numbers to expect.
func (c *cell) byCheck() bool { return len(c.Expect) == 0 && c.Equal != nil }

// decideByCheck is the verdict on a claim that its check decides. Outputs must
// have been compared on the processes that were timed, too: what only holds
// for fresh ones does not hold.
func (c *cell) decideByCheck(decider *arm) (string, string) {
	before, after := 0, 0
	for _, o := range decider.outputs {
		if o.When == "after" {
			after++
		} else {
			before++
		}
	}
	switch {
	case c.Equal == nil:
		return record.NotTested, "the scenario expects no number and checks no outputs"
	case before+after == 0:
		return record.NotTested, "its outputs were not compared with the control's"
	case after == 0:
		return record.Inconclusive, fmt.Sprintf("%s passed before the timing and were not compared after it", c.Equal.Output)
	}
	return record.Supported, fmt.Sprintf("%s passed in all %s with %s%s%s", c.Equal.Output,
		count(before+after, "comparison"), c.arms[0].Name, distance(decider.worst(), *c.Equal), c.notSo(decider))
}

// notSo names the arms that do not decide and whose outputs failed: they are not judged,
// and a reader must not take the verdict for theirs.
func (c *cell) notSo(decider *arm) string {
	var b strings.Builder
	for i := range c.arms {
		if a := &c.arms[i]; a != decider && a.status == record.QualityFail {
			fmt.Fprintf(&b, "; not so %s: %s", a.Name, a.reason)
		}
	}
	return b.String()
}

// distance is how far outputs that pass were from failing.
func distance(worst *float64, e record.Equal) string {
	switch {
	case worst == nil:
		return ""
	case e.Rule == record.RuleBound:
		return fmt.Sprintf(", up to %.3g; the bound is %g", *worst, e.Tolerance)
	case *worst == 0 && e.Rule == record.RuleScores:
		return ", without a lower AUROC or another decision"
	case *worst == 0:
		return ", without any difference"
	case e.Rule == record.RuleScores:
		return fmt.Sprintf(", at up to %.2g of the limits", *worst)
	case e.Rule == record.RuleSeedBand:
		return fmt.Sprintf(", at up to %.2g of the half-width of its seed-to-seed band", *worst)
	}
	return fmt.Sprintf(", differing by up to %.2g; the tolerance is %g", *worst, e.Tolerance)
}

// passed says whether the arm's outputs were compared and equal.
func (a *arm) passed() bool { return len(a.outputs) > 0 && a.failedOutputs() == nil }

// weigh puts every expectation beside its interval.
func (c *cell) weigh(comparisons []record.Comparison) (finding, why string) {
	var findings []verdict.Finding
	var sentences []string
	untested := false
	for _, e := range c.Expect {
		f, s, tested := c.expectation(e, comparisons)
		findings, sentences = append(findings, f), append(sentences, s)
		untested = untested || !tested
	}
	all := verdict.Conclude(findings)
	why = strings.Join(sentences, "; ")
	if untested && all != verdict.Refuted {
		return record.NotTested, why
	}
	return string(all), why
}

// expectation is one finding with its sentence; it is not tested if there is
// no number to compare with.
func (c *cell) expectation(e record.Expect, comparisons []record.Comparison) (f verdict.Finding, why string, tested bool) {
	if e.Op != ">=" && e.Op != "<=" {
		return verdict.Undecided, fmt.Sprintf("%s: a claim of %q %v; this build knows >= and <=", e.Metric, e.Op, e.Ratio), false
	}
	k, ok := c.deciding(e.Metric, comparisons)
	if !ok {
		return verdict.Undecided, fmt.Sprintf("%s: not measured, claimed %s", e.Metric, claimed(e)), false
	}
	if k.Outcome == record.Insufficient || failed(k.Outcome) {
		return verdict.Undecided, fmt.Sprintf("%s: %s, claimed %s", e.Metric, k.Reason, claimed(e)), k.Pairs > 0
	}
	f, err := verdict.Expectation{Low: k.Low, High: k.High, AtLeast: e.Op == ">=", Claimed: e.Ratio}.Finding()
	if err != nil {
		return verdict.Undecided, fmt.Sprintf("%s: %v", e.Metric, err), false
	}
	why = fmt.Sprintf("%s: %s", e.Metric, against(k, e))
	if f == verdict.Undecided {
		why += fmt.Sprintf("; a distance of %s from it would have been seen with 95 %% power", percent(k.MDE))
	}
	return f, why, true
}

func (c *cell) deciding(metric string, comparisons []record.Comparison) (record.Comparison, bool) {
	for _, k := range comparisons {
		if k.Metric == metric && k.Variant == c.Decides {
			return k, true
		}
	}
	return record.Comparison{}, false
}

// numbers adds what was measured of an arm whose outputs are wrong.
func (c *cell) numbers(comparisons []record.Comparison) string {
	var b strings.Builder
	for _, e := range c.Expect {
		if k, ok := c.deciding(e.Metric, comparisons); ok && k.Pairs > 0 {
			fmt.Fprintf(&b, "; %s: %s", e.Metric, ratio(k, decimals(k)))
		}
	}
	return b.String()
}
