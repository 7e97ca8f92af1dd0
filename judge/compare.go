package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/dustin/go-humanize"

	"lensbench/record"
	"lensbench/verdict"
)

// comparisons are those of each variant with the control, metric by metric.
func (c *cell) comparisons() []record.Comparison {
	out := []record.Comparison{}
	for _, metric := range c.Measure {
		for i := range c.arms[1:] {
			if metric == record.Efficiency && !efficient(&c.arms[i+1]) {
				continue
			}
			out = append(out, c.compare(metric, &c.arms[0], &c.arms[i+1]))
		}
	}
	return out
}

func (c *cell) compare(metric string, control, variant *arm) record.Comparison {
	var k record.Comparison
	switch metric {
	case record.Throughput:
		// Items per second are the reciprocal of seconds per item, so the ratio
		// of throughputs is that of times with the arms exchanged.
		k = c.timed(metric, of(variant, secondsPerItem), of(control, secondsPerItem))
	case record.Efficiency:
		k = c.efficiency(control, variant)
	case record.Latency:
		k = c.timed(metric, of(control, medianIteration), of(variant, medianIteration))
	case record.MemoryPeak:
		k = memory(metric, "tensor bytes", control, variant)
	case record.ActivationPeak:
		k = memory(metric, "bytes of activations", control, variant)
	case record.Energy:
		k = energy(metric, control, variant)
	default:
		k = nothing(record.Incomparable, "this build does not know the metric "+metric)
	}
	k.Metric, k.Variant, k.Control = metric, variant.Name, control.Name
	// How an arm ended outranks whatever its numbers say.
	if a := firstBroken(c.needed(metric, control, variant)...); a != nil {
		k.Outcome, k.Reason = a.status, fmt.Sprintf("arm %s: %s", a.Name, a.reason)
	}
	if k.Reason == "" {
		k.Reason = sentence(k) + dissent(k)
	}
	if k.Look != nil {
		k.Look.Decided = c.decided(k)
	}
	return k
}

// A reading is one number per block, taken from the samples of one arm or more.
type reading struct {
	arms []*arm // whose samples it needs; the first is the one that it is about
	at   func(place) (v float64, ok bool)
}

// of reads a number off each sample of an arm.
func of(a *arm, value func(record.Sample) float64) reading {
	return reading{arms: []*arm{a}, at: func(p place) (float64, bool) {
		s, ok := a.samples[p]
		if !ok {
			return 0, false
		}
		return value(s), true
	}}
}

// timed compares the ratio of what b says to what a says, block by block.
func (c *cell) timed(metric string, a, b reading) record.Comparison {
	arms := slices.Concat(a.arms, b.arms)
	if slices.ContainsFunc(arms, func(a *arm) bool { return a.status == record.Invalid }) {
		return nothing(record.Invalid, "")
	}
	o := verdict.Options{OutcomeOnly: c.quick}
	most := math.MaxInt // restarts that are looked at
	switch {
	case c.at != verdict.Look{}:
		o.Look, most = c.at, c.at.Restarts
	case c.looks != nil:
		look, why := c.look(arms)
		if why != "" {
			return nothing(record.Insufficient, why)
		}
		o.Look, most = look, look.Restarts
	}
	x, y := pairs(a, b, most)
	s, err := verdict.Compare(x, y, o)
	if err != nil {
		return nothing(record.Insufficient, err.Error())
	}
	k := statement(s)
	k.Outcome = outcome(metric, s.Outcome)
	if c.looks != nil || c.early() {
		k.Look = &record.Look{Restarts: o.Look.Restarts, Budget: o.Look.Budget}
	}
	return k
}

// pairs are the values of the places where there is something to be read of both,
// in the restarts before most.
func pairs(a, b reading, most int) (x, y [][]float64) {
	last := math.MinInt
	for _, p := range a.arms[0].places {
		v, ok := a.at(p)
		w, also := b.at(p)
		if !ok || !also || p.restart >= most || !a.arms[0].counts(p) {
			continue
		}
		if p.restart != last {
			x, y = append(x, nil), append(y, nil)
			last = p.restart
		}
		x[len(x)-1] = append(x[len(x)-1], v)
		y[len(y)-1] = append(y[len(y)-1], w)
	}
	return x, y
}

func statement(s verdict.Statement) record.Comparison {
	k := record.Comparison{
		Ratio: s.Ratio, Low: s.Low, High: s.High, Confidence: s.Confidence,
		P: s.P, Equivalence: s.Equivalence, Theta: s.Theta, MDE: s.MDE,
		Restarts: s.Restarts, Pairs: s.Pairs,
	}
	if s.Inner.Low > 0 && !math.IsInf(s.Inner.High, 1) {
		k.Inner = &record.Interval{Value: s.Ratio, Low: s.Inner.Low, High: s.Inner.High, N: s.Restarts}
	}
	if s.Outcome != verdict.Insufficient && !math.IsNaN(s.CheckLow) {
		k.Bootstrap = &record.Interval{Value: s.Ratio, Low: s.CheckLow, High: s.CheckHigh, N: s.Restarts}
	}
	return k
}

// nothing is a comparison that could not be made.
func nothing(outcome, reason string) record.Comparison {
	nan := math.NaN()
	return record.Comparison{Ratio: nan, Low: nan, High: nan, P: nan, Equivalence: nan, MDE: math.Inf(1),
		Outcome: outcome, Reason: reason}
}

// outcome is the word for a metric's higher or lower value.
func outcome(metric string, o verdict.Outcome) string {
	words := map[string][2]string{ // lower, higher
		record.Throughput:     {record.Slower, record.Faster},
		record.Efficiency:     {record.Less, record.More},
		record.Latency:        {record.Faster, record.Slower},
		record.MemoryPeak:     {record.Less, record.More},
		record.ActivationPeak: {record.Less, record.More},
		record.Energy:         {record.Less, record.More},
	}
	switch o {
	case verdict.Lower:
		return words[metric][0]
	case verdict.Higher:
		return words[metric][1]
	case verdict.Equivalent:
		return record.Equivalent
	case verdict.Insufficient:
		return record.Insufficient
	}
	return record.Inconclusive
}

// memory compares peaks of bytes: exactly if they repeat exactly, which takes two
// passes to see, and else like any other metric.
func memory(metric, what string, control, variant *arm) record.Comparison {
	x, y := control.bytes(metric), variant.bytes(metric)
	for _, a := range []*arm{control, variant} {
		if slices.Contains(a.bytes(metric), 0) {
			return nothing(record.Incomparable, fmt.Sprintf("the worker of arm %s cannot count %s", a.Name, what))
		}
	}
	s, ok := verdict.CompareExact(x, y)
	if !ok {
		return scattered(metric, control, variant)
	}
	return record.Comparison{
		Ratio: s.Ratio, Low: s.Ratio, High: s.Ratio, Confidence: 1, Exact: true,
		Theta: s.Theta, Outcome: outcome(metric, s.Outcome),
		Restarts: min(len(x), len(y)), Pairs: min(len(x), len(y)),
		Reason: fmt.Sprintf("%s against %s, the same in every pass", humanize.IBytes(uint64(y[0])), humanize.IBytes(uint64(x[0]))),
	}
}

// peakOf is a metric of a memory pass.
func peakOf(metric string, m record.MemoryEntry) int64 {
	if metric == record.ActivationPeak {
		return m.ActivationPeak()
	}
	return m.TensorPeak
}

// bytes are the values of a metric in the memory passes.
func (a *arm) bytes(metric string) []int64 {
	var out []int64
	for _, m := range a.memory {
		out = append(out, peakOf(metric, m))
	}
	return out
}

// scattered compares peaks that do not repeat, or were seen only once. An arm
// whose peaks do repeat is measured in fewer restarts than the other; its one
// value then stands for every restart.
func scattered(metric string, control, variant *arm) record.Comparison {
	a, b := peaksByRestart(metric, control), peaksByRestart(metric, variant)
	fill(a, b)
	fill(b, a)
	var x, y [][]float64
	for _, r := range slices.Sorted(maps.Keys(a)) {
		if peak, ok := b[r]; ok {
			x, y = append(x, []float64{a[r]}), append(y, []float64{peak})
		}
	}
	if len(x) == 0 {
		return nothing(record.Insufficient, "no memory pass of both arms")
	}
	theta := min(verdict.ThetaMemory(x[0][0]), 0.5)
	s, err := verdict.Compare(x, y, verdict.Options{Theta: theta})
	if err != nil {
		return nothing(record.Insufficient, err.Error())
	}
	k := statement(s)
	k.Outcome = outcome(metric, s.Outcome)
	if s.Outcome == verdict.Insufficient {
		k.Reason = fmt.Sprintf("%s; peaks that repeat exactly need 2, others %d", count(len(x), "memory pass"), verdict.MinRestarts)
	}
	return k
}

func peaksByRestart(metric string, a *arm) map[int]float64 {
	out := map[int]float64{}
	for _, m := range a.memory {
		out[m.Restart] = float64(peakOf(metric, m))
	}
	return out
}

// fill gives a the restarts of b, if a has the same peak in two restarts or
// more.
func fill(a, b map[int]float64) {
	values := slices.Compact(slices.Sorted(maps.Values(a)))
	if len(values) != 1 || len(a) < 2 {
		return
	}
	for r := range b {
		a[r] = values[0]
	}
}
