package judge

import (
	"fmt"
	"strings"

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

// device names what the verdict holds for.
func (c *cell) device() string {
	if c.machine.CPUModel == "" {
		return "CPU: unknown model"
	}
	return "CPU: " + c.machine.CPUModel
}

// decide goes from what forbids a verdict to the numbers.
func (c *cell) decide(status, reason string, comparisons []record.Comparison) (string, string) {
	decider := c.arm(c.Decides)
	if decider == nil {
		return record.NotTested, fmt.Sprintf("the deciding arm %s is not in this cell", c.Decides)
	}
	switch broken := firstBroken(decider, &c.arms[0]); {
	case broken != nil && broken.status == record.QualityFail:
		return record.QualityFail, fmt.Sprintf("arm %s: %s%s", broken.Name, broken.reason, c.numbers(comparisons))
	case broken != nil:
		return record.NotTested, fmt.Sprintf("arm %s: %s: %s", broken.Name, broken.status, broken.reason)
	case c.ended != nil:
		return record.NotTested, fmt.Sprintf("%s: %s", c.ended.Status, c.ended.Reason)
	}
	if len(c.Expect) == 0 {
		return record.NotTested, "the scenario expects no number"
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
