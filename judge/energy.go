package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// energy compares joules per item, pass by pass: passes of one restart are a
// pair, and each is of fresh processes. Absent is not 0: what could not be counted
// is not comparable, with the reason.
func energy(metric string, control, variant *arm) record.Comparison {
	for _, a := range []*arm{control, variant} {
		if why := a.noEnergy(); why != "" {
			return nothing(record.Incomparable, fmt.Sprintf("energy of arm %s: %s", a.Name, why))
		}
	}
	a, b := control.joules(), variant.joules()
	var x, y [][]float64
	for _, r := range slices.Sorted(maps.Keys(a)) {
		if j, ok := b[r]; ok {
			x, y = append(x, []float64{a[r]}), append(y, []float64{j})
		}
	}
	if len(x) == 0 {
		return nothing(record.Insufficient, "no energy pass of both arms")
	}
	s, err := verdict.Compare(x, y, verdict.Options{})
	if err != nil {
		return nothing(record.Insufficient, err.Error())
	}
	k := statement(s)
	k.Outcome = outcome(metric, s.Outcome)
	if s.Outcome == verdict.Insufficient {
		k.Reason = fmt.Sprintf("%s of energy; a verdict needs %d", count(len(x), "pass"), verdict.MinRestarts)
	}
	return k
}

// noEnergy says why an arm has no energy that can be compared, "" if it has.
func (a *arm) noEnergy() string {
	for _, e := range a.energy {
		switch j := e.PerItem(); {
		case e.Absent != "":
			return e.Absent
		case !(j > 0) || math.IsInf(j, 0) || e.Items < 1:
			return fmt.Sprintf("%v J for %d items in restart %d; its counter does not count", j*float64(max(1, e.Items)), e.Items, e.Restart)
		}
	}
	return ""
}

// joules are those of an item by restart, the first pass of each.
func (a *arm) joules() map[int]float64 {
	out := map[int]float64{}
	for _, e := range a.energy {
		if _, dup := out[e.Restart]; !dup {
			out[e.Restart] = e.PerItem()
		}
	}
	return out
}

// energyPerItem is the median over passes, in joules; nil if there are none that
// count.
func (a *arm) energyPerItem() *record.Interval {
	if len(a.energy) == 0 || a.noEnergy() != "" {
		return nil
	}
	var values []float64
	j := a.joules()
	for _, r := range slices.Sorted(maps.Keys(j)) {
		values = append(values, j[r])
	}
	m := median(values)
	return &m
}
