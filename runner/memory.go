package runner

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"lensbench/record"
	"lensbench/runner/progress"
	"lensbench/runner/telemetry"
)

// memory makes the memory passes of one restart that are still to be made,
// each in a process of its own, one after another. After the first few only
// arms whose peaks do not repeat are measured again: members that run at once
// reach theirs at different moments.
func (c *cellRun) memory(r int) error {
	defer c.closeAll()
	return c.each(c.shuffle("memory", r), r, func(a *arm) error {
		if _, done := c.state.memory[pass{a.Name, r}]; done || c.state.countless[a.Name] {
			return nil
		}
		if r >= memoryRestarts && c.state.repeats(a.Name) {
			return nil
		}
		c.where.Restart = 0
		c.show(progress.Memory, a)
		defer a.kill()
		peak, err := c.measureMemory(a, r)
		if err != nil {
			return err
		}
		peak.Arm, peak.Restart = a.Name, r
		c.forecast.passDone(c.index)
		return c.append(record.Entry{Kind: record.KindMemory, Cell: c.cell.ID, Memory: &peak})
	})
}

// measureMemory returns zeros for a worker that cannot count, and such a worker
// is not asked again. It is no reason to end an arm whose time was measured.
func (c *cellRun) measureMemory(a *arm, r int) (record.MemoryEntry, error) {
	err := c.start(a, r, memoryPass)
	var f *failure
	if errors.As(err, &f) && f.status == record.Skipped {
		return record.MemoryEntry{}, nil
	}
	if err != nil {
		return record.MemoryEntry{}, err
	}
	s, err := c.sample(a, 1, 1)
	if err != nil {
		return record.MemoryEntry{}, err
	}
	a.first = 0 // not timed on its own here
	if err := c.append(c.entry(a, r, memoryPass, 1)); err != nil {
		return record.MemoryEntry{}, err
	}
	a.w.close()
	return record.MemoryEntry{TensorPeak: s.Said.TensorPeak, RSSPeak: s.Said.RSSPeak, Memory: s.Said.Memory}, nil
}

// fits fails the arm that was started first if the others cannot have as much
// memory as it holds. Weights are what every arm must have; libraries are
// shared, and activations come and go.
func (c *cellRun) fits(a *arm, order []*arm) error {
	if a != order[0] || len(order) == 1 {
		return nil
	}
	available, known := telemetry.AvailableMemory()
	need := int64(len(order)-1) * a.facts.WeightBytes
	if !known || need <= min(available, c.run.Machine.Memory) {
		return nil
	}
	return c.refuse(failf(record.Skipped, "the other %d arms need %s for their weights alone, and %s are available; use a machine with more memory or fewer arms",
		len(order)-1, humanize.IBytes(uint64(need)), humanize.IBytes(uint64(available))))
}

// refuse ends the whole cell.
func (c *cellRun) refuse(f *failure) error {
	c.sink.Note(fmt.Sprintf("%s: %s: %s", record.Name(c.cell.Scenario, c.cell.Point), f.status, f.reason))
	if err := c.append(c.status("", 0, f)); err != nil {
		return err
	}
	return errCellEnded
}
