package judge

import (
	"maps"
	"math"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// A primary is a comparison that belongs to the family of its run: the error of
// calling any of them different by mistake is controlled together.
type primary struct {
	*cell
	metric     string
	variant    int                // index of the arm
	comparison *record.Comparison // in the verdict of the cell
}

// addFamily adds to every primary comparison how it stands among the others;
// nothing to a single one.
func addFamily(cells []cell, verdicts []record.CellVerdict) {
	var all []primary
	for i := range cells {
		all = append(all, cells[i].primaries(verdicts[i].Comparisons)...)
	}
	if len(all) < 2 {
		return
	}
	var ps []float64
	for _, p := range all {
		ps = append(ps, p.comparison.P)
	}
	holm := verdict.Holm(ps)
	for i, p := range all {
		p.comparison.Family = &record.Family{Size: len(all), Holm: holm[i]}
	}
	for _, at := range lookedAt(all) {
		adjust(all, at)
	}
}

// primaries are the comparisons of a cell's main metric that have a p.
func (c *cell) primaries(comparisons []record.Comparison) []primary {
	metric := c.mainMetric()
	var out []primary
	for i := range c.arms {
		for j := range comparisons {
			if k := &comparisons[j]; i > 0 && k.Metric == metric && k.Variant == c.arms[i].Name && !math.IsNaN(k.P) {
				out = append(out, primary{c, metric, i, k})
			}
		}
	}
	return out
}

// mainMetric is the timed metric that the claim is about, else throughput, else
// the first; "" if the cell measures no time. Efficiency is none: it takes two
// arms, and labels of arms cannot be exchanged under it.
func (c *cell) mainMetric() string {
	timed := slices.DeleteFunc(slices.Clone(c.Measure), func(m string) bool { return record.OwnPass(m) || m == record.Efficiency })
	for _, e := range c.Expect {
		if slices.Contains(timed, e.Metric) {
			return e.Metric
		}
	}
	switch {
	case len(timed) == 0:
		return ""
	case slices.Contains(timed, record.Throughput):
		return record.Throughput
	}
	return timed[0]
}

// everything is the restart count of comparisons whose number was fixed.
const everything = math.MaxInt

// lookedAt are the restart counts at which primaries were looked at.
func lookedAt(all []primary) []int {
	seen := map[int]bool{}
	for _, p := range all {
		seen[p.lookRestarts()] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (p primary) lookRestarts() int {
	if p.comparison.Look == nil {
		return everything
	}
	return p.comparison.Look.Restarts
}

// adjust tests the whole family as it was at one look, and states the result
// for the members that were last looked at there. The p of a look becomes one
// over all looks as that of a single comparison does; the family's error at all
// looks together is then bounded by their sum.
func adjust(all []primary, at int) {
	var cells []verdict.FamilyCell
	var members []primary // first primary of each cell
	for _, p := range all {
		if len(members) > 0 && members[len(members)-1].cell == p.cell {
			continue
		}
		members = append(members, p)
		cells = append(cells, verdict.FamilyCell{p.values(at)})
	}
	for _, a := range verdict.StepDown(cells) {
		for _, p := range all {
			if p.cell == members[a.Cell].cell && p.variant == a.Arm && p.lookRestarts() == at {
				p.comparison.Family.Adjusted = max(p.comparison.P, p.overall(a.P, at))
			}
		}
	}
}

// overall turns a p at a look into one over all looks of the cell.
func (p primary) overall(value float64, at int) float64 {
	for _, l := range p.looks {
		if l.Restarts == at {
			return l.Overall(value)
		}
	}
	return value
}

// values are those of the metric by arm, restart and block, of the restarts that
// a look comes after; NaN where an arm has no sample.
func (p primary) values(at int) verdict.FamilyMetric {
	value := secondsPerItem
	if p.metric == record.Latency {
		value = medianIteration
	}
	out := make(verdict.FamilyMetric, len(p.arms))
	for i := range p.arms {
		a := &p.arms[i]
		if a.status == record.Invalid {
			continue
		}
		for _, where := range a.places {
			if p.looks != nil && where.restart >= at || !a.counts(where) {
				continue
			}
			out[i] = put(out[i], where, value(a.samples[where]))
		}
	}
	return out
}

// put grows rows to hold a place, with NaN in between.
func put(rows [][]float64, p place, v float64) [][]float64 {
	for len(rows) <= p.restart {
		rows = append(rows, nil)
	}
	for len(rows[p.restart]) < p.block {
		rows[p.restart] = append(rows[p.restart], math.NaN())
	}
	rows[p.restart] = append(rows[p.restart], v)
	return rows
}
