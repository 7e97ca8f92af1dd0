package runner

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/judge"
	"lensbench/record"
)

// looksOn says whether the cell may end before its plan does.
func (c *cellRun) looksOn() bool { return len(c.cell.Plan.Looks) > 0 }

// look looks at the cell after a number of restarts if that is planned and was
// not done, and writes down which variants are settled. They have their outputs
// compared on the processes that were timed, and are then left out (settle).
func (c *cellRun) look(restarts int) error {
	if !c.cell.Plan.LooksAfter(restarts) || c.state.looks[restarts] {
		return nil
	}
	settled := []string{}
	look := c.opts.Settled
	if look == nil {
		look = judge.Settled
	}
	for _, name := range look(c.run.Machine, c.cell, c.state.entries, restarts) {
		if _, before := c.state.settled[name]; !before && c.isIn(name) {
			settled = append(settled, name)
		}
	}
	if len(settled) > 0 && restarts < c.cell.Plan.Restarts {
		c.sink.Note(fmt.Sprintf("%s: decided after %d of %d restarts: %s", record.Name(c.cell.Scenario, c.cell.Point), restarts, c.cell.Plan.Restarts, strings.Join(settled, ", ")))
	}
	return c.append(record.Entry{Kind: record.KindLook, Cell: c.cell.ID, Look: &record.LookEntry{Restarts: restarts, Settled: settled}})
}

func (c *cellRun) isIn(name string) bool {
	return slices.ContainsFunc(c.arms, func(a *arm) bool { return a.Name == name })
}

// endsAfter says whether restart r is the last of any arm.
func (c *cellRun) endsAfter(r int) bool {
	if r == c.cell.Plan.Restarts-1 || c.outOfTime(r+1) {
		return true
	}
	return slices.ContainsFunc(c.arms, func(a *arm) bool { return c.state.settled[a.Name] == r+1 })
}

// settle takes the variants out that were settled after that many restarts.
func (c *cellRun) settle(restarts int) {
	if !c.looksOn() || restarts == c.cell.Plan.Restarts {
		return
	}
	c.arms = slices.DeleteFunc(c.arms, func(a *arm) bool {
		out := c.state.settled[a.Name] == restarts
		if out {
			c.settled = append(c.settled, a)
		}
		return out
	})
}

// unsettle takes them in again, in the cell's order.
func (c *cellRun) unsettle() {
	c.arms = append(c.arms, c.settled...)
	c.settled = nil
	slices.SortFunc(c.arms, func(a, b *arm) int { return a.index - b.index })
}
