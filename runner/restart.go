package runner

import (
	"slices"

	"lensbench/record"
	"lensbench/runner/progress"
)

// restart does what is left of one restart: fresh processes for every arm,
// warm-up, and blocks. A restart that was interrupted goes on with new
// processes at its next block.
func (c *cellRun) restart(r int) error {
	c.where.Restart, c.where.Block = r+1, c.state.next[r]
	blocksLeft := c.state.next[r] < c.cell.Plan.Blocks
	if !blocksLeft { // finished before an interruption
		if err := c.look(r + 1); err != nil {
			return err
		}
	}
	checkLeft := c.endsAfter(r) && c.unchecked(after, r)
	if !blocksLeft && !checkLeft {
		return nil
	}
	defer c.closeAll()
	stop := c.forecast.startup(c.index, len(c.arms))
	if err := c.bringUp(r); err != nil {
		return err
	}
	stop()
	if err := c.blocks(r); err != nil {
		return err
	}
	if err := c.look(r + 1); err != nil {
		return err
	}
	if c.checksAfter(r) {
		return c.check(r, after)
	}
	return nil
}

// bringUp starts the arms one after another, so that none disturbs another's
// load time, and ends with all of them warm and recorded.
func (c *cellRun) bringUp(r int) error {
	order := c.shuffle("start", r)
	err := c.each(order, r, func(a *arm) error {
		c.show(progress.Starting, a)
		if err := c.start(a, r, timePass); err != nil {
			return err
		}
		if err := c.firstIteration(a); err != nil {
			return err
		}
		return c.fits(a, order)
	})
	if err != nil {
		return err
	}
	if c.unchecked(before, r) {
		if err := c.check(r, before); err != nil {
			return err
		}
	}
	err = c.each(c.shuffle("warm", r), r, func(a *arm) error {
		c.show(progress.Warming, a)
		return c.warmUp(a)
	})
	if err != nil {
		return err
	}
	return c.recordWorkers(r)
}

// recordWorkers fixes the number of iterations, if this is the cell's first
// restart, and writes down who runs.
func (c *cellRun) recordWorkers(r int) error {
	n := c.state.iterations
	if n == 0 {
		n = c.chooseIterations()
	}
	var entries []record.Entry
	for _, a := range c.arms {
		entries = append(entries, c.entry(a, r, timePass, n))
	}
	c.forecast.block(c.index, c.blockSeconds(n))
	return c.append(entries...)
}

// chooseIterations looks at the slowest arm. Null work has no length to aim
// at, and many iterations would add the cost of sending their durations to
// what it is there to measure: it gets one.
func (c *cellRun) chooseIterations() int {
	slowest := 0.0
	for _, a := range c.arms {
		if a.Settings.Kind == "null" {
			return 1
		}
		slowest = max(slowest, a.iteration)
	}
	return iterationsFor(c.cell.Plan.SampleSeconds, slowest)
}

// blockSeconds is how long a block of n iterations an arm takes.
func (c *cellRun) blockSeconds(n int) float64 {
	sum := 0.0
	for _, a := range c.arms {
		sum += float64(n+1)*a.iteration + gap.Seconds()
	}
	return sum
}

func (c *cellRun) blocks(r int) error {
	for b := c.state.next[r]; b < c.cell.Plan.Blocks; b++ {
		c.where.Block = b
		c.show(progress.Measuring, nil)
		if err := c.block(r, b); err != nil {
			return err
		}
		c.forecast.blockDone(c.index, c.state.spent)
	}
	return nil
}

// block takes one sample of every arm and writes them to the journal as one.
// An arm that fails is left out; the samples of the others stand.
func (c *cellRun) block(r, b int) error {
	if err := c.host.Refresh(); err != nil {
		return err
	}
	var samples []record.Sample
	err := c.each(c.shuffle("block", r, b), r, func(a *arm) error {
		s, err := c.sample(a, 1, c.state.iterations)
		if err != nil {
			return err
		}
		s.Position = len(samples)
		samples = append(samples, s)
		return nil
	})
	if err != nil {
		return err
	}
	c.observe(samples)
	return c.append(record.Entry{Kind: record.KindBlock, Cell: c.cell.ID,
		Block: &record.BlockEntry{Restart: r, Block: b, Samples: samples}})
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
