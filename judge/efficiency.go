package judge

import (
	"fmt"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// efficiency compares how well two arms use their ranks. That of an arm in a block
// is its throughput ÷ (ranks × the throughput of its single rank in the same block),
// and so a slow single rank raises it. Whether signs may be flipped: if two arms
// are equally efficient the log-ratio of a restart scatters about 0, evenly to both
// sides as far as every arm scatters alike from restart to restart.
func (c *cell) efficiency(control, variant *arm) record.Comparison {
	a, why := c.efficiencyOf(control)
	if why != "" {
		return nothing(record.Incomparable, why)
	}
	b, why := c.efficiencyOf(variant)
	if why != "" {
		return nothing(record.Incomparable, why)
	}
	return c.timed(record.Efficiency, a, b)
}

// efficiencyOf reads an arm's efficiency off the blocks; why says that it has none.
func (c *cell) efficiencyOf(a *arm) (r reading, why string) {
	ranks := max(1, a.Settings.Ranks)
	single := a
	if a.Single != "" {
		single = c.arm(a.Single)
	}
	switch {
	case single == nil:
		return r, fmt.Sprintf("there is no arm %s, the single rank of %s", a.Single, a.Name)
	case single == a && ranks > 1:
		return r, fmt.Sprintf("arm %s does not say which arm is its single rank", a.Name)
	}
	return reading{arms: []*arm{a, single}, at: func(p place) (float64, bool) {
		all, ok := a.samples[p]
		one, also := single.samples[p]
		if !ok || !also {
			return 0, false
		}
		return secondsPerItem(one) / (float64(ranks) * secondsPerItem(all)), true
	}}, ""
}

// efficient says whether an efficiency of the arm is worth a word: that of one rank
// is 1.
func efficient(a *arm) bool { return a.Settings.Ranks > 1 }

// efficiencySummary is of the arm's ranks, one median per restart; nil without any.
func (c *cell) efficiencySummary(a *arm) *record.Interval {
	r, why := c.efficiencyOf(a)
	if why != "" || !efficient(a) {
		return nil
	}
	var medians []float64
	for _, row := range a.read(r) {
		slices.Sort(row)
		medians = append(medians, row[verdict.NearestRank(0.5, len(row))-1])
	}
	if len(medians) == 0 {
		return nil
	}
	m := median(medians)
	return &m
}

// needed are the arms without which there is nothing to be said about a metric of
// the variant.
func (c *cell) needed(metric string, control, variant *arm) []*arm {
	out := []*arm{control, variant}
	if metric != record.Efficiency {
		return out
	}
	for _, a := range []*arm{control, variant} {
		if single := c.arm(a.Single); single != nil {
			out = append(out, single)
		}
	}
	return out
}
