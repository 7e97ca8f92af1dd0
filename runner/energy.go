package runner

import (
	"fmt"
	"slices"

	"lensbench/energy"
	"lensbench/record"
	"lensbench/runner/progress"
)

// energyWindow is how long an energy pass counts, in seconds: counters are
// brought up to date every millisecond to every tenth of a second.
var energyWindow = 2.0 // other in tests

// openMeter finds what counts energy, if a cell measures it.
func (s *session) openMeter() {
	if !slices.ContainsFunc(s.run.Cells, countsEnergy) {
		return
	}
	meter, err := energy.Open(s.opts.Root, s.devices)
	if err != nil {
		s.noEnergy = err.Error()
		s.sink.Note("energy is absent: " + s.noEnergy)
		return
	}
	s.meter = meter
}

// energy makes the energy passes of one restart that are still to be made, each
// in a process of its own, one after another: the counters are of the whole
// machine. Where there are none, that is written down once, and no pass is made.
func (c *cellRun) energy(r int) error {
	defer c.closeAll()
	return c.each(c.shuffle("energy", r), r, func(a *arm) error {
		if c.state.energy[pass{a.Name, r}] || c.state.powerless[a.Name] {
			return nil
		}
		e := record.EnergyEntry{Arm: a.Name, Restart: r, Absent: c.noEnergy}
		if c.meter != nil {
			c.where.Restart = 0
			c.show(progress.Energy, a)
			defer a.kill()
			if err := c.measureEnergy(a, r, &e); err != nil {
				return err
			}
			c.forecast.passDone(c.index)
		}
		return c.append(record.Entry{Kind: record.KindEnergy, Cell: c.cell.ID, Energy: &e})
	})
}

// measureEnergy warms an arm up and counts over whole samples.
func (c *cellRun) measureEnergy(a *arm, r int, e *record.EnergyEntry) error {
	if err := c.start(a, r, timePass); err != nil {
		return err
	}
	if err := c.firstIteration(a); err != nil {
		return err
	}
	if err := c.warmUp(a); err != nil {
		return err
	}
	n := iterationsFor(min(energyWindow, c.cell.Plan.TimeLimit/8), a.iteration)
	if err := c.append(c.entry(a, r, record.PassEnergy, n)); err != nil {
		return err
	}
	if err := c.meter.Begin(); err != nil {
		return fmt.Errorf("energy: %w", err)
	}
	for e.Seconds < energyWindow {
		s, err := c.sample(a, 0, n)
		if err != nil {
			return err
		}
		e.Items += s.Said.Items
		e.Seconds += s.Said.Wall
	}
	joules, err := c.meter.End()
	if err != nil {
		return fmt.Errorf("energy: %w", err)
	}
	e.Joules = joules
	a.w.close()
	return nil
}
