package gate

import (
	"slices"

	"lensbench/judge"
	"lensbench/record"
	"lensbench/verdict"
)

// Sequential is a plan of so many restarts that ends earlier at a look at which Settled
// finds nothing. A look in the last quarter would save little, and spend most of what
// the last one has.
func Sequential(p record.Plan, restarts int) record.Plan {
	late := func(look int) bool { return 4*look > 3*restarts && look < restarts }
	p.Restarts, p.Looks = restarts, slices.DeleteFunc(verdict.Looks(restarts), late)
	return p
}

// Fixed is a plan that goes on to its last restart.
func Fixed(p record.Plan) record.Plan {
	p.Looks = nil
	return p
}

// Settled looks at a cell after a planned number of restarts and returns all arms but
// base, if measuring on could only repeat what is known: head and base-again are both
// proven equivalent to base in every metric of time, and the canary is seen. In all
// other cases it returns none, and the cell goes on: one in which something may have
// changed gets all of its restarts.
//
// Equivalence is tested at what the plan's looks may spend at this one. No look stops
// for a difference: that is tested once, with all of its error, in what is measured to
// the end, and stopping where nothing is found cannot make anything be flagged.
// The canary needs no such share: a dead one would have to be told apart by chance from
// head in the same restarts in which neither head nor base-again is.
func Settled(m record.Machine, c record.Cell, entries []record.Entry, restarts int) []string {
	looks, err := verdict.Spend(c.Plan.Looks, 0)
	if err != nil || len(c.Arms) == 0 {
		return nil // the runner refuses such a plan
	}
	at, ok := verdict.At(looks, restarts)
	if !ok || at.Restarts != restarts {
		return nil
	}
	at.Difference = 0
	if !equivalent(judge.Peek(m, c, entries, Base, Head, at)) || !equivalent(judge.Peek(m, c, entries, Base, Again, at)) ||
		!seen(judge.Peek(m, c, entries, Head, Canary, verdict.Look{})) {
		return nil
	}
	var all []string
	for _, a := range c.Arms[1:] {
		all = append(all, a.Name)
	}
	return all
}

func equivalent(all []record.Comparison) bool {
	different := func(k record.Comparison) bool { return k.Outcome != record.Equivalent }
	return len(all) > 0 && !slices.ContainsFunc(all, different)
}

// checkLook looks again where a look has ended the cell: what it saw must have been
// enough for that.
func (c *Cell) checkLook(m Measured, plan record.Cell) {
	var before []record.Entry
	for _, e := range m.Entries {
		if e.Cell != c.ID {
			continue
		}
		if l := e.Look; l != nil && len(l.Settled) > 0 && l.Restarts < plan.Plan.Restarts {
			c.Ended = l.Restarts
			if len(Settled(m.Run.Machine, plan, before, l.Restarts)) == 0 {
				c.invalid("measuring ended after %d of %d restarts, though not all was equivalent and the canary seen", l.Restarts, plan.Plan.Restarts)
			}
			return
		}
		before = append(before, e)
	}
}

// unlooked is the run as if the restarts that were measured had been planned.
func unlooked(run record.Run) record.Run {
	run.Cells = slices.Clone(run.Cells)
	for i := range run.Cells {
		run.Cells[i].Plan = Fixed(run.Cells[i].Plan)
	}
	return run
}

// Against compares head with the anchor in all that was measured, for the history.
func (m Measured) Against(anchor string) record.Verdicts {
	return record.Verdicts{Cells: judge.Pair(unlooked(m.Run), m.Entries, anchor, Head)}
}
