package judge

import (
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// nullKind is the workload kind whose iterations do nothing.
const nullKind = "null"

// overhead is what the runner adds to a sample: in null work, the time from
// request to answer less what the worker counts as its own and less the untimed
// iteration, taken for a median one. Nil without null work. It is set beside
// the fastest arm's samples of real work.
func overhead(cells []cell) *record.Overhead {
	var costs [][]float64
	smallest := 0.0
	for i := range cells {
		for j := range cells[i].arms {
			a := &cells[i].arms[j]
			if a.status == record.Invalid || len(a.places) == 0 {
				continue
			}
			if a.Settings.Kind == nullKind {
				costs = append(costs, a.read(of(a, added))...)
			} else if m := a.medianWall(); smallest == 0 || m < smallest {
				smallest = m
			}
		}
	}
	return perSample(costs, smallest)
}

// added is what the runner added to a sample, in seconds.
func added(s record.Sample) float64 { return s.Wall - s.Said.Wall - medianIteration(s) }

func perSample(costs [][]float64, smallest float64) *record.Overhead {
	r, err := verdict.Quantile(costs, 0.5)
	if err != nil {
		return nil
	}
	o := &record.Overhead{PerSample: interval(r), Smallest: smallest}
	if smallest > 0 {
		o.Share = r.Value / smallest
	}
	return o
}

// medianWall is the arm's median sample, in seconds of its own clock.
func (a *arm) medianWall() float64 {
	walls := slices.Concat(a.read(of(a, func(s record.Sample) float64 { return s.Said.Wall }))...)
	slices.Sort(walls)
	return walls[verdict.NearestRank(0.5, len(walls))-1]
}
