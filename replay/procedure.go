package replay

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"

	"lensbench/verdict"
)

// A Procedure decides whether two arms differ, from their samples by restart and
// block.
type Procedure struct {
	Name  string
	Does  string // what it does, in a line
	Alarm func(control, variant [][]float64) (bool, error)
}

// Procedures are this project's, and what is commonly done instead.
func Procedures() []Procedure {
	return []Procedure{
		{"paired", "sign flips over restarts: p < 0.01 and more than ±1 %", paired},
		{"paired, looks", "the same, stopping at planned looks", sequential},
		{"benchstat, base first", "10 results of the base, then 10 of the head: U test at 5 %", baseFirst},
		{"benchstat, interleaved", "10 results of each, taken in turns: U test at 5 %", interleaved},
	}
}

// alarmLevel is that of a difference which is acted on.
const alarmLevel = 0.01

// paired is the gate on one metric.
func paired(control, variant [][]float64) (bool, error) {
	s, err := verdict.Compare(control, variant, verdict.Options{OutcomeOnly: true})
	return acts(s), err
}

// acts says whether a statement is proven and large enough to matter.
func acts(s verdict.Statement) bool {
	return s.P < alarmLevel && math.Abs(math.Log(s.Ratio)) > math.Log1p(s.Theta)
}

func sequential(control, variant [][]float64) (bool, error) {
	looks, err := verdict.Spend(verdict.Looks(len(control)), 1-alarmLevel)
	if err != nil {
		return false, err
	}
	for _, l := range looks {
		s, err := verdict.Compare(control[:l.Restarts], variant[:l.Restarts], verdict.Options{OutcomeOnly: true, Look: l})
		if err != nil {
			return false, err
		}
		if s.Outcome != verdict.Inconclusive {
			return acts(s), nil
		}
	}
	return false, nil
}

// results is how many each side of benchstat gets: what its users are told to
// take.
const results = 10

// baseFirst takes the base from the first half of the time and the head from the
// second.
func baseFirst(control, variant [][]float64) (bool, error) {
	half := len(control) / 2
	return uTest(means(control[:half]), means(variant[half:]))
}

func interleaved(control, variant [][]float64) (bool, error) {
	return uTest(means(control), means(variant))
}

// means are those of ten consecutive parts of the samples, as the go command
// reports a result: time ÷ iterations.
func means(rows [][]float64) []float64 {
	all := slices.Concat(rows...)
	var out []float64
	for i := range results {
		part := all[i*len(all)/results : (i+1)*len(all)/results]
		sum := 0.0
		for _, v := range part {
			sum += v
		}
		if len(part) > 0 {
			out = append(out, sum/float64(len(part)))
		}
	}
	return out
}

func uTest(base, head []float64) (bool, error) {
	thresholds := benchmath.DefaultThresholds
	c := benchmath.AssumeNothing.Compare(benchmath.NewSample(base, &thresholds), benchmath.NewSample(head, &thresholds))
	return c.P < c.Alpha, nil
}
