package runner

import (
	"fmt"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/progress"
)

const (
	// profileSeconds is the least that the iterations of a profile take together, if
	// an iteration is not longer: enough that a call of an operator is seen many times.
	profileSeconds = 0.3

	// profileTries is how many profiles are made, of which the fastest counts: what
	// else the machine does in between can only make one slower.
	profileTries = 3
)

// A profiling is an arm in its profile pass.
type profiling struct {
	*arm
	iterations int
	best       *protocol.Profile // the fastest so far
}

// profiles makes the profile passes that are still to be made, in processes of their
// own, when all timing is over. The arms take turns, so that what else the machine does
// meets all alike. Whatever goes wrong is what the journal says instead of a profile:
// the arm's times stand.
func (c *cellRun) profiles() error {
	defer c.closeAll()
	c.where.Restart = 0
	var in []*profiling
	for _, a := range c.shuffle("profile") {
		if !c.state.profiled[a.Name] {
			in = append(in, &profiling{arm: a})
		}
	}
	in, err := c.eachProfile(in, c.openProfile)
	for range profileTries {
		if err == nil {
			in, err = c.eachProfile(in, c.tryProfile)
		}
	}
	if err != nil {
		return err
	}
	for _, p := range in {
		p.first = 0 // not timed on its own here
		err := c.append(c.entry(p.arm, 0, protocol.PassProfile, p.iterations),
			c.profileEntry(p.arm, record.Profile{Status: record.OK, Iterations: p.iterations, Said: p.best}))
		if err != nil {
			return err
		}
	}
	return nil
}

// eachProfile does a step for every arm and returns those for which it worked. Of the
// others it writes why they have no profile.
func (c *cellRun) eachProfile(in []*profiling, step func(*profiling) error) (left []*profiling, err error) {
	for _, p := range in {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		c.show(progress.Profiling, p.arm)
		err := step(p)
		switch {
		case err == nil:
			left = append(left, p)
			continue
		case c.ctx.Err() != nil:
			return nil, c.ctx.Err() // the worker was killed because the run is to stop
		case fatal(err):
			return nil, err
		}
		p.kill()
		if err := c.append(c.profileEntry(p.arm, c.noProfile(p.arm, asFailure(err)))); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (c *cellRun) profileEntry(a *arm, p record.Profile) record.Entry {
	c.forecast.passDone(c.index)
	return record.Entry{Kind: record.KindProfile, Cell: c.cell.ID, Profile: &record.ProfileEntry{Arm: a.Name, Profile: p}}
}

// noProfile is a profile that could not be made. That a worker cannot is no news; that
// it broke is.
func (c *cellRun) noProfile(a *arm, f *failure) record.Profile {
	switch {
	case f.kind == protocol.BadRequest:
		f.status, f.reason = record.Skipped, "this build of the worker makes no profiles: "+f.reason
	case f.status != record.Skipped:
		c.sink.Note(fmt.Sprintf("%s: no profile of arm %s: %s: %s", record.Name(c.cell.Scenario, c.cell.Point), a.Name, f.status, f.reason))
	}
	return record.Profile{Status: f.status, Reason: f.reason}
}

// openProfile starts the arm's worker for the pass and warms it up.
func (c *cellRun) openProfile(p *profiling) error {
	if err := c.start(p.arm, 0, protocol.PassProfile); err != nil {
		return err
	}
	if err := c.firstIteration(p.arm); err != nil {
		return err
	}
	if err := c.warmUp(p.arm); err != nil {
		return err
	}
	p.iterations = iterationsFor(max(profileSeconds, c.cell.Plan.SampleSeconds), p.iteration)
	return nil
}

// tryProfile makes one profile and keeps the faster one.
func (c *cellRun) tryProfile(p *profiling) error {
	s, err := c.sample(p.arm, 0, p.iterations)
	if err != nil {
		return err
	}
	said := s.Said.Profile
	if said == nil {
		return p.w.blame(failf(record.Invalid, "worker prepared for a profile and sent none"))
	}
	if p.best == nil || said.Wall < p.best.Wall {
		p.best = said
	}
	return nil
}

// wantsProfiles says whether profiles are still to be made of arms that are in.
func (c *cellRun) wantsProfiles() bool { return c.cell.Profile && len(c.arms) > 1 }
