package runner

import (
	"math"

	"lensbench/record"
	"lensbench/runner/progress"
)

// A mean is the running mean of a variant's log-ratio to the control, by
// Welford's method.
type mean struct {
	n       float64
	mean    float64
	squares float64 // sum of squared deviations
}

func (m *mean) add(v float64) {
	m.n++
	d := v - m.mean
	m.mean += d / m.n
	m.squares += d * (v - m.mean)
}

// error is the standard error of the mean, 0 for fewer than two values.
func (m *mean) error() float64 {
	if m.n < 2 {
		return 0
	}
	return math.Sqrt(m.squares / (m.n - 1) / m.n)
}

// observe takes a block into the running estimates.
func (c *cellRun) observe(samples []record.Sample) {
	perItem := map[string]float64{}
	for _, s := range samples {
		perItem[s.Arm] = s.Said.Wall / float64(s.Said.Items)
	}
	control := perItem[c.cell.Arms[0].Name]
	for _, a := range c.arms[1:] {
		if c.running[a.Name] == nil {
			c.running[a.Name] = &mean{}
		}
		c.running[a.Name].add(math.Log(control / perItem[a.Name]))
	}
}

// impression is the running estimate to show: of the arm that decides the
// claim, or of the first variant.
func (c *cellRun) impression() *progress.Running {
	for _, a := range c.arms {
		m := c.running[a.Name]
		if m == nil || (c.cell.Decides != "" && a.Name != c.cell.Decides) {
			continue
		}
		return &progress.Running{
			Variant: a.Name,
			Ratio:   math.Exp(m.mean),
			Low:     math.Exp(m.mean - 2*m.error()),
			High:    math.Exp(m.mean + 2*m.error()),
		}
	}
	return nil
}
