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
// bytes that scatter, which have passes of their own. Bytes that repeat exactly have
// no p.
//
// Plans with looks have no place here: a family over cells that stopped at different
// looks would need levels of its own.
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
			if !record.OfMemory(k.Metric) {
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
