package judge

import (
	"math"
	"slices"

	"lensbench/record"
	"lensbench/verdict"
)

// witnesses are the ratios of instructions, of the variants for which all samples
// were counted.
func (c *cell) witnesses() []record.Witness {
	var out []record.Witness
	control := &c.arms[0]
	for i := range c.arms[1:] {
		variant := &c.arms[i+1]
		if !control.counted() || !variant.counted() {
			continue
		}
		x, y := pairs(of(control, instructionsPerIteration), of(variant, instructionsPerIteration), math.MaxInt)
		s, err := verdict.Compare(x, y, verdict.Options{OutcomeOnly: true})
		if err != nil || s.Outcome == verdict.Insufficient {
			continue
		}
		out = append(out, record.Witness{Variant: variant.Name, Control: control.Name,
			Ratio: record.Interval{Value: s.Ratio, Low: s.Low, High: s.High, N: s.Restarts}})
	}
	return out
}

// counted says whether the arm has instructions in all of its samples.
func (a *arm) counted() bool {
	return a.status == record.OK && len(a.places) > 0 &&
		!slices.ContainsFunc(a.places, func(p place) bool { return a.samples[p].Host.Instructions <= 0 })
}

// instructionsPerIteration counts the untimed iteration as one of all.
func instructionsPerIteration(s record.Sample) float64 {
	return float64(s.Host.Instructions) / float64(s.Iterations+1)
}
