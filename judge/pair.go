package judge

import (
	"fmt"
	"math"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// Pair states of every cell how one arm differs from another, whichever of its arms
// they are, as if they were all that was measured. All metrics of all cells are one
// family: Family.Adjusted is by relabelling arms, for times, and by Holm's method for
// bytes that scatter and for energy, which have passes of their own. Bytes that repeat exactly have
// no p.
//
// Looks of a plan end whole cells here, and only where everything is found equivalent
// (package gate has the rule). A cell that such a look ended is judged at that look,
// and keeps its place in the family by a stand-in of as many restarts as were planned:
// it is not among those that differ, but could have been. Every other cell is judged by
// all that was measured; for its equivalence, at the level that earlier looks have left.
func Pair(run record.Run, entries []record.Entry, control, variant string) []record.CellVerdict {
	only := run
	only.Cells = slices.Clone(run.Cells)
	for i := range only.Cells {
		only.Cells[i] = onlyArms(run.Cells[i], control, variant)
	}
	j := sortEntries(only, entries)
	var out []record.CellVerdict
	for i := range j.cells {
		c := &j.cells[i]
		c.at = lookOf(run.Cells[i].Plan, c.stops[variant])
		v := c.verdict()
		for _, name := range []string{control, variant} {
			if c.arm(name) == nil {
				v.Status, v.Reason = record.Invalid, fmt.Sprintf("the cell has no arm %s", name)
			}
		}
		out = append(out, v)
	}
	addPairFamily(j.cells, out)
	return out
}

// lookOf is the look at which a cell is judged as a whole: the one that ended it, or the
// last, whenever that came. It is zero for a plan without looks. Only the last tests for
// a difference.
func lookOf(p record.Plan, settled int) verdict.Look {
	looks := planned(p)
	if looks == nil {
		return verdict.Look{}
	}
	last := looks[len(looks)-1]
	if l, ok := verdict.At(looks, settled); ok && l.Restarts == settled && !l.Last() {
		l.Difference = 0
		return l
	}
	last.Restarts, last.Budget, last.Difference = everything, everything, 1
	return last
}

// early says whether the cell was ended by a look before its last.
func (c *cell) early() bool { return c.at != verdict.Look{} && !c.at.Last() }

// Peek compares two arms in each time that a cell measures, at a look, while the cell is
// being measured; nil if it has not both of them. The zero Look is for all that there is,
// as if it were the only one.
func Peek(m record.Machine, c record.Cell, entries []record.Entry, control, variant string, at verdict.Look) (out []record.Comparison) {
	j := sortEntries(record.Run{Machine: m, Cells: []record.Cell{onlyArms(c, control, variant)}}, entries)
	cell := &j.cells[0]
	if len(cell.arms) != 2 {
		return nil
	}
	cell.quick, cell.at = true, at
	for _, metric := range cell.Measure {
		if !record.OwnPass(metric) {
			out = append(out, cell.compare(metric, &cell.arms[0], &cell.arms[1]))
		}
	}
	return out
}

// onlyArms is the cell with these arms, in this order, and no claim.
func onlyArms(c record.Cell, names ...string) record.Cell {
	arms := c.Arms
	c.Arms, c.Claim, c.Decides, c.Expect, c.Plan.Looks = nil, nil, "", nil, nil
	for _, name := range names {
		if i := slices.IndexFunc(arms, func(a record.Arm) bool { return a.Name == name }); i >= 0 {
			c.Arms = append(c.Arms, arms[i])
		}
	}
	return c
}

func addPairFamily(cells []cell, verdicts []record.CellVerdict) {
	var all []*record.Comparison
	var ps []float64
	var family []verdict.FamilyCell
	var timed [][]*record.Comparison // by cell of the family, and metric
	for i := range cells {
		var values verdict.FamilyCell
		var members []*record.Comparison
		for j := range verdicts[i].Comparisons {
			k := &verdicts[i].Comparisons[j]
			if failed(k.Outcome) || k.Exact || math.IsNaN(k.P) {
				continue
			}
			all, ps = append(all, k), append(ps, k.P)
			switch {
			case record.OwnPass(k.Metric):
			case cells[i].early():
				family, timed = append(family, verdict.FamilyCell{verdict.StandIn(cells[i].Plan.Restarts)}), append(timed, []*record.Comparison{k})
			default:
				p := primary{cell: &cells[i], metric: k.Metric}
				values, members = append(values, p.values(everything)), append(members, k)
			}
		}
		family, timed = append(family, values), append(timed, members)
	}
	for i, p := range verdict.Holm(ps) {
		all[i].Family = &record.Family{Size: len(all), Holm: p, Adjusted: p}
	}
	for _, a := range verdict.StepDown(family) {
		k := timed[a.Cell][a.Metric]
		k.Family.Adjusted = max(k.P, a.P)
	}
}
