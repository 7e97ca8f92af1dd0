package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lensbench/record"
	"lensbench/runner/progress"
)

// errCellEnded means that a cell cannot go on, and its status says why.
var errCellEnded = errors.New("cell ended")

// A cellRun is one cell being measured by one session.
type cellRun struct {
	*session
	ctx     context.Context
	index   int // among the run's cells
	cell    record.Cell
	state   *cellState
	arms    []*arm           // in the cell's order, those that are still in
	settled []*arm           // variants that a look has decided: in for memory passes alone
	running map[string]*mean // variant → log-ratio to the control
	seconds float64          // that restarts may take; 0: there is no limit
	over    map[int]bool     // restart → there is no time for it
	where   progress.State
}

// measureCell does what is left to do of a cell. The error is one that ends
// the run: of the journal, or of the context.
func (s *session) measureCell(ctx context.Context, index int) error {
	c := &cellRun{session: s, ctx: ctx, index: index, cell: s.run.Cells[index], running: map[string]*mean{}, over: map[int]bool{}}
	c.state = s.state.cell(c.cell.ID)
	if c.state.ended {
		return nil
	}
	if lost, ok := c.state.lost[c.cell.Arms[0].Name]; ok { // killed before its next entry
		return c.append(c.controlLost(c.cell.Arms[0].Name, lost))
	}
	for i, a := range c.cell.Arms {
		if _, lost := c.state.lost[a.Name]; !lost {
			c.arms = append(c.arms, &arm{Arm: a, index: i})
		}
	}
	c.where = progress.State{Cell: index + 1, Cells: len(s.run.Cells), Name: record.Name(c.cell.Scenario, c.cell.Point),
		Restarts: c.cell.Plan.Restarts, Blocks: c.cell.Plan.Blocks}
	if c.cell.Plan.Seconds > 0 {
		c.where.Restarts = 0 // nobody knows how many
		c.seconds = s.allowance(index)
		s.forecast.allow(index, c.seconds)
	}
	defer c.closeAll()
	err := c.measure()
	if errors.Is(err, errCellEnded) {
		err = nil
	}
	if err == nil {
		s.forecast.finish(index)
	}
	return err
}

func (c *cellRun) measure() error {
	if err := c.meetNeeds(); err != nil {
		return err
	}
	done := 0
	for r := range c.cell.Plan.Restarts {
		if c.outOfTime(r) {
			c.sink.Note(fmt.Sprintf("%s: ends after %d of %d restarts: its time is up", record.Name(c.cell.Scenario, c.cell.Point), r, c.cell.Plan.Restarts))
			break
		}
		if err := c.restart(r); err != nil {
			return err
		}
		c.settle(r + 1)
		done = r + 1
		if c.looksOn() && len(c.arms) == 1 {
			break
		}
	}
	c.unsettle()
	return c.passes(done)
}

// passes makes the passes that are not of time, after so many restarts.
func (c *cellRun) passes(restarts int) error {
	if countsEnergy(c.cell) {
		for r := range restarts {
			if err := c.energy(r); err != nil {
				return err
			}
		}
	}
	if countsMemory(c.cell) {
		for r := range max(memoryRestarts, restarts) {
			if err := c.memory(r); err != nil {
				return err
			}
		}
	}
	if c.wantsProfiles() {
		return c.profiles()
	}
	return nil
}

// outOfTime says whether restart r would, if it takes as long as those before, end
// after the time that the cell may take. One that was begun is ended. Once the restart
// before has ended, and its outputs were compared as those of the last or not, the
// answer stays.
func (c *cellRun) outOfTime(r int) bool {
	if out, said := c.over[r]; said {
		return out
	}
	return c.seconds > 0 && r > 0 && c.state.next[r] == 0 && c.state.spent*float64(r+1)/float64(r) > c.seconds
}

// allowance is the time that a cell may take: its plan's, and its part of what cells
// before it of the same scenario have left of theirs.
func (s *session) allowance(index int) float64 {
	own := s.run.Cells[index]
	left, heirs := 0.0, 0
	for i, c := range s.run.Cells {
		switch {
		case c.Scenario != own.Scenario:
		case i < index:
			left += c.Plan.Seconds - s.state.cell(c.ID).spent
		default:
			heirs++
		}
	}
	return own.Plan.Seconds + max(0, left)/float64(heirs)
}

// each runs a step for every arm in the given order, and drops the arms for
// which it fails.
func (c *cellRun) each(arms []*arm, restart int, step func(*arm) error) error {
	for _, a := range arms {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := step(a); err != nil {
			if err := c.drop(a, restart, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop records why an arm ends and leaves it out from here on. The error is
// errCellEnded if the cell cannot do without, or err itself if it is none of
// the arm's doing.
func (c *cellRun) drop(a *arm, restart int, err error) error {
	if c.ctx.Err() != nil {
		return c.ctx.Err() // the worker was killed because the run is to stop
	}
	if fatal(err) {
		return err
	}
	f := asFailure(err)
	a.kill()
	c.arms = slices.DeleteFunc(c.arms, func(b *arm) bool { return b == a })
	entries := []record.Entry{c.status(a.Name, restart, f)}
	if a.index == 0 {
		entries = append(entries, c.controlLost(a.Name, *entries[0].Status))
	}
	c.sink.Note(fmt.Sprintf("%s: arm %s ends: %s: %s", record.Name(c.cell.Scenario, c.cell.Point), a.Name, f.status, f.reason))
	if err := c.append(entries...); err != nil {
		return err
	}
	if a.index == 0 {
		return errCellEnded
	}
	return nil
}

// fatal says whether the error ends the run.
func fatal(err error) bool {
	var write *record.WriteError
	var rebuilt *Rebuilt
	return errors.As(err, &write) || errors.As(err, &rebuilt) || errors.Is(err, errCellEnded)
}

func (c *cellRun) status(arm string, restart int, f *failure) record.Entry {
	return record.Entry{Kind: record.KindStatus, Cell: c.cell.ID, Status: &record.StatusEntry{
		Arm: arm, Restart: restart, Status: f.status, Reason: f.reason, Stderr: f.stderr}}
}

// controlLost is the status of a cell whose control has one.
func (c *cellRun) controlLost(name string, s record.StatusEntry) record.Entry {
	return c.status("", s.Restart, &failure{
		status: s.Status, reason: fmt.Sprintf("control %s: %s", name, s.Reason), stderr: s.Stderr})
}

// inOrder returns the arms that are still in, the control first.
func (c *cellRun) inOrder() []*arm { return slices.Clone(c.arms) }

// shuffle returns the arms that are still in, in the random order of a place.
// Dropping an arm does not change the order of the others.
func (c *cellRun) shuffle(place ...any) []*arm {
	order := shuffled(len(c.cell.Arms), c.run.Seed, append([]any{c.cell.ID}, place...)...)
	arms := c.inOrder()
	slices.SortFunc(arms, func(a, b *arm) int {
		return slices.Index(order, a.index) - slices.Index(order, b.index)
	})
	return arms
}

// closeAll ends the workers of all arms, at the same time.
func (c *cellRun) closeAll() {
	done := make(chan struct{})
	for _, a := range c.arms {
		go func() { a.close(c.ctx); done <- struct{}{} }()
	}
	for range c.arms {
		<-done
	}
}

// show tells the sink what is being done.
func (c *cellRun) show(phase string, a *arm) {
	c.where.Phase, c.where.Arm = phase, ""
	if a != nil {
		c.where.Arm = a.Name
	}
	c.where.Done, c.where.Remaining = c.forecast.progress()
	c.where.Running = c.impression()
	c.sink.Update(c.where)
}
