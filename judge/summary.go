package judge

import (
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// noisyCPU is the share of the machine's CPU time that processes outside a
// sample must use for it to count as noisy.
const noisyCPU = 0.05

// percentiles of latency that are printed, each from its floor on.
var percentiles = []struct {
	name string
	p    float64
}{
	{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999},
}

// summary describes one arm alone.
func (c *cell) summary(a *arm) record.ArmSummary {
	s := record.ArmSummary{
		Arm:      a.Name,
		Worker:   a.Worker,
		Status:   a.status,
		Reason:   a.reason,
		Restarts: a.restarts(),
		Samples:  len(a.places),
		Latency:  map[string]record.Interval{},
		Load:     median(a.ofWorkers(func(w record.WorkerEntry) float64 { return w.Start })),
		First:    median(a.ofWorkers(func(w record.WorkerEntry) float64 { return w.First })),
		Check:    a.checked(),
		Worst:    a.worst(),
		Steal:    c.steal(a),
		Noisy:    c.noisy(a),
		Drift:    a.drift(),
	}
	s.TensorPeak, s.RSSPeak = a.peaks()
	s.Energy = a.energyPerItem()
	s.Memory = a.breakdown(s.TensorPeak)
	s.Profile = a.profile
	if w, ok := a.firstWorker(); ok {
		s.Parameters, s.Threads = w.Facts.Parameters, w.Facts.Threads
	}
	if a.status == record.Invalid {
		return s // its times cannot be true
	}
	if c.measures(record.Throughput) {
		s.Throughput = a.throughput()
	}
	if c.measures(record.Efficiency) {
		s.Efficiency = c.efficiencySummary(a)
	}
	if c.measures(record.Latency) {
		s.Latency = a.latency()
	}
	s.Extra = a.extra()
	return s
}

// extra are the medians over all samples that have the number; nil if none has one.
func (a *arm) extra() map[string]protocol.Number {
	values := map[string][]protocol.Number{}
	for _, p := range a.places {
		for name, v := range a.samples[p].Said.Extra {
			values[name] = append(values[name], v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	out := map[string]protocol.Number{}
	for name, list := range values {
		slices.Sort(list)
		out[name] = list[verdict.NearestRank(0.5, len(list))-1]
	}
	return out
}

func (c *cell) measures(metric string) bool { return slices.Contains(c.Measure, metric) }

// throughput is in items per second, one median per restart.
func (a *arm) throughput() record.Interval {
	var medians []float64
	for _, row := range a.read(of(a, secondsPerItem)) {
		slices.Sort(row)
		medians = append(medians, 1/row[verdict.NearestRank(0.5, len(row))-1])
	}
	return median(medians)
}

// latency is in seconds per iteration or query, of all of them.
func (a *arm) latency() map[string]record.Interval {
	var durations [][]float64
	previous := -1
	for _, p := range a.places {
		if !a.counts(p) {
			continue
		}
		if p.restart != previous {
			durations, previous = append(durations, nil), p.restart
		}
		last := len(durations) - 1
		durations[last] = append(durations[last], a.samples[p].Said.Latency()...)
	}
	out := map[string]record.Interval{}
	for _, q := range percentiles {
		if r, err := verdict.Quantile(durations, q.p); err == nil {
			out[q.name] = interval(r)
		}
	}
	return out
}

// read is what is read at the arm's places that count, by restart.
func (a *arm) read(r reading) [][]float64 {
	var rows [][]float64
	last := math.MinInt
	for _, p := range a.places {
		v, ok := r.at(p)
		if !ok || !a.counts(p) {
			continue
		}
		if p.restart != last {
			rows = append(rows, nil)
			last = p.restart
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], v)
	}
	return rows
}

// secondsPerItem of a sample; of work without items, per iteration.
func secondsPerItem(s record.Sample) float64 {
	if s.Said.Items > 0 {
		return s.Said.Wall / float64(s.Said.Items)
	}
	return s.Said.Wall / float64(s.Iterations)
}

// medianIteration is the latency of a sample, in seconds.
func medianIteration(s record.Sample) float64 {
	d := slices.Sorted(slices.Values(s.Said.Latency()))
	return d[verdict.NearestRank(0.5, len(d))-1]
}

// ofWorkers are one value per restart, in the order of restarts.
func (a *arm) ofWorkers(value func(record.WorkerEntry) float64) []float64 {
	var restarts []int
	for r := range a.workers {
		restarts = append(restarts, r)
	}
	slices.Sort(restarts)
	var out []float64
	for _, r := range restarts {
		out = append(out, value(a.workers[r]))
	}
	return out
}

// median is that of one value per restart; absent if there are none, or if one
// is not a number.
func median(values []float64) record.Interval {
	r, err := verdict.Median(values)
	if err != nil {
		return record.Interval{}
	}
	return interval(r)
}

func interval(r verdict.Range) record.Interval {
	return record.Interval{Value: r.Value, Low: r.Low, High: r.High, N: r.N}
}

// checked is the result of all comparisons of the arm's outputs.
func (a *arm) checked() string {
	switch {
	case a.failedOutputs() != nil || a.status == record.QualityFail:
		return record.NotPassed
	case len(a.outputs) > 0:
		return record.Passed
	}
	return ""
}

// worst is the largest difference of the arm's outputs to the control's, nil
// if they were not compared or cannot be.
func (a *arm) worst() *float64 {
	var worst *float64
	for _, o := range a.outputs {
		w := float64(o.Worst)
		if math.IsNaN(w) || math.IsInf(w, 0) {
			return nil
		}
		if worst == nil || w > *worst {
			worst = &w
		}
	}
	return worst
}

// drift is that of the comparison of scores that went worst, nil without any.
func (a *arm) drift() (d *record.Drift) {
	worst := math.Inf(-1)
	for _, o := range a.outputs {
		if o.Drift != nil && float64(o.Worst) > worst {
			d, worst = o.Drift, float64(o.Worst)
		}
	}
	return d
}

// peaks are in bytes: those of the memory passes, and without any the resident
// set during the timing.
func (a *arm) peaks() (tensors, resident int64) {
	for _, m := range a.memory {
		tensors, resident = max(tensors, m.TensorPeak), max(resident, m.RSSPeak)
	}
	if len(a.memory) == 0 {
		for _, p := range a.places {
			resident = max(resident, a.samples[p].Said.RSSPeak)
		}
	}
	return tensors, resident
}

// breakdown is that of the first memory pass with this peak.
func (a *arm) breakdown(peak int64) *protocol.Memory {
	for _, m := range a.memory {
		if m.TensorPeak == peak {
			return m.Memory
		}
	}
	return nil
}

// steal is the share of the CPUs' time that the hypervisor took.
func (c *cell) steal(a *arm) float64 {
	var stolen, wall float64
	for _, p := range a.places {
		stolen += a.samples[p].Host.Steal
		wall += a.samples[p].Wall
	}
	if !(wall > 0) {
		return 0
	}
	return stolen / (wall * c.cpus())
}

// noisy counts the samples during which others used the machine.
func (c *cell) noisy(a *arm) int {
	n := 0
	for _, p := range a.places {
		if s := a.samples[p]; s.Host.Others > noisyCPU*s.Wall*c.cpus() {
			n++
		}
	}
	return n
}

func (c *cell) cpus() float64 { return float64(max(1, c.machine.CPUs)) }
