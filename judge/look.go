package judge

import (
	"fmt"
	"math"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// Settled looks at a cell after a planned number of restarts and returns the
// variants that need not be measured any longer, because every statement on
// them is decided: what the claim expects is supported or refuted, and where
// nothing is expected, the arms are proven different or equivalent. Byte counts
// have passes of their own and wait for nothing.
//
// The same entries always settle the same arms, so a run that is resumed
// decides as the first did.
//
// The control goes on in every block as long as any variant does. A variant that
// goes on is measured beside fewer arms than before, in blocks that are as
// random as before. If it does not differ from the control the two are still
// exchangeable within every restart to come, whatever was measured up to then,
// and so its signs are as random as the test has them. What the test takes for
// granted beside is that who was ahead in earlier restarts, which is part of why
// a neighbour stopped, does not change how much later ones scatter.
func Settled(m record.Machine, c record.Cell, entries []record.Entry, restarts int) []string {
	j := sortEntries(record.Run{Machine: m, Cells: []record.Cell{c}}, entries)
	cell := &j.cells[0]
	cell.quick = true
	out := []string{}
	for i := range cell.arms[1:] {
		if cell.settled(&cell.arms[0], &cell.arms[i+1], restarts) {
			out = append(out, cell.arms[i+1].Name)
		}
	}
	return out
}

func (c *cell) settled(control, variant *arm, restarts int) bool {
	timed := 0
	for _, metric := range c.Measure {
		if record.OwnPass(metric) {
			continue
		}
		timed++
		k := c.compare(metric, control, variant)
		if k.Look == nil || k.Look.Restarts != restarts || !k.Look.Decided {
			return false
		}
	}
	return timed > 0
}

// planned are the looks of a plan, nil if the number of restarts is fixed.
func planned(p record.Plan) []verdict.Look {
	if len(p.Looks) == 0 {
		return nil
	}
	looks, err := verdict.Spend(p.Looks, 0)
	if err != nil {
		return nil // the runner refuses such a plan
	}
	return looks
}

// look is the last planned one that all these arms have reached; why says that
// there is none yet. What was measured since is not looked at: another look
// than those planned would add to the error.
func (c *cell) look(arms []*arm) (l verdict.Look, why string) {
	done := math.MaxInt
	for _, a := range arms {
		done = min(done, a.finished(c.Plan.Blocks))
	}
	l, ok := verdict.At(c.looks, done)
	if !ok {
		return l, fmt.Sprintf("%s; the first look is after %d", count(done, "restart"), c.looks[0].Restarts)
	}
	return l, ""
}

// finished counts the restarts up to the arm's last complete one.
func (a *arm) finished(blocks int) int {
	n := 0
	for _, p := range a.places {
		if p.block == blocks-1 {
			n = max(n, p.restart+1)
		}
	}
	return n
}

// decided says whether measuring on could tell nothing more that was asked.
func (c *cell) decided(k record.Comparison) bool {
	if i := slices.IndexFunc(c.Expect, func(e record.Expect) bool { return e.Metric == k.Metric }); i >= 0 && k.Variant == c.Decides {
		f, _, tested := c.expectation(c.Expect[i], []record.Comparison{k})
		return tested && f != verdict.Undecided
	}
	switch k.Outcome {
	case record.Inconclusive, record.Insufficient:
		return false
	}
	return true
}

// halt says when and why the measuring of a cell ended whose plan did not fix the
// number of restarts; "" of one whose plan did.
func (c *cell) halt(comparisons []record.Comparison) string {
	if c.Plan.Seconds > 0 && c.complete && c.ended == nil {
		return fmt.Sprintf("after %s, when the time that was given was over", count(c.arms[0].restarts(), "restart"))
	}
	if c.looks == nil || c.ended != nil {
		return ""
	}
	last, open := 0, []string{}
	for _, k := range comparisons {
		if k.Look == nil {
			continue
		}
		last = max(last, k.Look.Restarts)
		if !k.Look.Decided {
			open = append(open, fmt.Sprintf("%s of %s", k.Metric, k.Variant))
		}
	}
	budget := c.Plan.Restarts
	switch {
	case last == 0:
		return ""
	case len(open) == 0 && last < budget:
		return fmt.Sprintf("after %d of %d restarts: every statement was decided%s", last, budget, earlier(comparisons, last))
	case len(open) == 0:
		return fmt.Sprintf("after all %d restarts: every statement is decided%s", budget, earlier(comparisons, last))
	case last == budget:
		return fmt.Sprintf("after all %d restarts, the most that was planned: %s is undecided", budget, joined(open))
	}
	return fmt.Sprintf("at the look after %d of %d restarts: %s is undecided", last, budget, joined(open))
}

// earlier names the variants that were settled before the last look.
func earlier(comparisons []record.Comparison, last int) string {
	at := map[string]int{}
	var order []string
	for _, k := range comparisons {
		if k.Look == nil {
			continue
		}
		if _, seen := at[k.Variant]; !seen {
			order = append(order, k.Variant)
		}
		at[k.Variant] = max(at[k.Variant], k.Look.Restarts)
	}
	out := ""
	for _, name := range order {
		if at[name] < last {
			out += fmt.Sprintf("; %s after %d", name, at[name])
		}
	}
	return out
}

// joined is "a, b and c".
func joined(words []string) string {
	out := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			out += " and "
		default:
			out += ", "
		}
		out += w
	}
	return out
}
