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

// profiles makes the profile passes that are still to be made, one of each arm, in a
// process of its own, when all timing is over. Whatever goes wrong is what the journal
// says instead of a profile: the arm's times stand.
func (c *cellRun) profiles() error {
	defer c.closeAll()
	for _, a := range c.shuffle("profile") {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if c.state.profiled[a.Name] {
			continue
		}
		p, err := c.profile(a)
		a.kill()
		if c.ctx.Err() != nil {
			return c.ctx.Err() // the worker was killed because the run is to stop
		}
		if err != nil && fatal(err) {
			return err
		}
		if err != nil {
			p = c.noProfile(a, asFailure(err))
		}
		c.forecast.passDone(c.index)
		if err := c.append(record.Entry{Kind: record.KindProfile, Cell: c.cell.ID, Profile: &record.ProfileEntry{Arm: a.Name, Profile: p}}); err != nil {
			return err
		}
	}
	return nil
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

// profile starts the arm's worker for the pass and returns the fastest profile.
func (c *cellRun) profile(a *arm) (best record.Profile, err error) {
	c.where.Restart = 0
	c.show(progress.Profiling, a)
	if err := c.start(a, 0, protocol.PassProfile); err != nil {
		return best, err
	}
	if err := c.firstIteration(a); err != nil {
		return best, err
	}
	if err := c.warmUp(a); err != nil {
		return best, err
	}
	n := iterationsFor(max(profileSeconds, c.cell.Plan.SampleSeconds), a.iteration)
	for range profileTries {
		s, err := c.sample(a, 0, n)
		if err != nil {
			return best, err
		}
		if s.Said.Profile == nil {
			return best, a.w.blame(failf(record.Invalid, "worker prepared for a profile and sent none"))
		}
		if best.Said == nil || s.Said.Profile.Wall < best.Said.Wall {
			best = record.Profile{Status: record.OK, Iterations: n, Said: s.Said.Profile}
		}
	}
	a.first = 0 // not timed on its own here
	if err := c.append(c.entry(a, 0, protocol.PassProfile, n)); err != nil {
		return best, err
	}
	a.w.close()
	return best, nil
}

// wantsProfiles says whether profiles are still to be made of arms that are in.
func (c *cellRun) wantsProfiles() bool { return c.cell.Profile && len(c.arms) > 1 }
