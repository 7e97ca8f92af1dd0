package judge

import (
	"cmp"
	"fmt"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// noisyShare is the share of noisy samples above which a cell is contaminated.
// Pairs in random order withstand bursts of up to half of the samples, since
// the statements rest on medians; beyond that the median itself is of samples
// in which arms had to share the machine.
const noisyShare = 0.5

// status is the cell's, with its reason. The order is that of what a reader
// must know first: what broke, then what is missing, then what disturbed. A
// reason of a cell that is ok says what it lacks.
func (c *cell) status(comparisons []record.Comparison) (status, reason string) {
	if c.ended != nil {
		return c.ended.Status, c.ended.Reason
	}
	if a := c.firstBroken(); a != nil {
		return a.status, fmt.Sprintf("arm %s: %s", a.Name, a.reason)
	}
	if n := fewestRestarts(comparisons); n < verdict.MinRestarts {
		return record.Insufficient, fmt.Sprintf("%s; a verdict needs %d%s", count(n, "restart"), verdict.MinRestarts, c.shortfall("; "))
	}
	if noisy, all := c.noise(); float64(noisy) > noisyShare*float64(all) {
		return record.Contaminated, fmt.Sprintf("other processes used more than %.0f %% of the machine during %d of %d samples; measure again on a quiet machine",
			100*noisyCPU, noisy, all)
	}
	if why := c.contaminatedReason(); why != "" {
		return record.Contaminated, why
	}
	return record.OK, c.shortfall("")
}

// firstBroken is the arm whose status is the cell's: the control, the deciding
// arm, then any other. A skipped arm counts only if it decides, or if no other
// variant is left.
func (c *cell) firstBroken() *arm {
	var order []*arm
	for i := range c.arms {
		if a := &c.arms[i]; a.status != record.Skipped || c.weight(a) > 0 || c.allSkipped() {
			order = append(order, a)
		}
	}
	slices.SortStableFunc(order, func(a, b *arm) int { return c.weight(b) - c.weight(a) })
	return firstBroken(order...)
}

// firstBroken is the first arm that failed, or else the first that was not
// reached; nil if all are ok.
func firstBroken(arms ...*arm) *arm {
	var unreached *arm
	for _, a := range arms {
		switch a.status {
		case record.OK:
		case record.Insufficient:
			unreached = cmp.Or(unreached, a)
		default:
			return a
		}
	}
	return unreached
}

// allSkipped says whether every variant was skipped.
func (c *cell) allSkipped() bool {
	return !slices.ContainsFunc(c.arms[1:], func(a arm) bool { return a.status != record.Skipped })
}

// weight orders the control before the deciding arm before the others.
func (c *cell) weight(a *arm) int {
	switch a.Name {
	case c.Arms[0].Name:
		return 2
	case c.Decides:
		return 1
	}
	return 0
}

// fewestRestarts is the smallest number of restarts that any comparison of
// times rests on; verdict.MinRestarts if there is none that could be made.
func fewestRestarts(comparisons []record.Comparison) int {
	n := verdict.MinRestarts
	for _, k := range comparisons {
		if !record.OwnPass(k.Metric) && !failed(k.Outcome) {
			n = min(n, k.Restarts)
		}
	}
	return n
}

// failed says whether an outcome is a status that an arm ended with.
func failed(outcome string) bool {
	switch outcome {
	case record.Invalid, record.Skipped, record.OOM, record.Timeout, record.Crash, record.Failed,
		record.QualityFail, record.Incomparable:
		return true
	}
	return false
}

// noise counts the noisy samples among all of the cell.
func (c *cell) noise() (noisy, all int) {
	for i := range c.arms {
		noisy += c.noisy(&c.arms[i])
		all += len(c.arms[i].places)
	}
	return noisy, all
}

// shortfall says how much of the plan is missing, after sep; "" if nothing is.
func (c *cell) shortfall(sep string) string {
	planned := c.Plan.Restarts * c.Plan.Blocks
	done := len(c.arms[0].places)
	switch {
	case done >= planned || c.complete && (c.looks != nil || c.early()):
		return ""
	case c.Plan.Seconds > 0 && !c.complete:
		return sep + "the run was interrupted before its time was over"
	case c.Plan.Seconds > 0 && done < verdict.MinRestarts*c.Plan.Blocks:
		return fmt.Sprintf("%sno more could be done in the %.0f s that there were", sep, c.Plan.Seconds)
	case c.Plan.Seconds > 0:
		return ""
	}
	s := fmt.Sprintf("%s%d of %d planned blocks were measured", sep, done, planned)
	if !c.complete {
		s += ": the run was interrupted"
	}
	return s
}
