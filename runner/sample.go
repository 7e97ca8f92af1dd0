package runner

import (
	"math"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/telemetry"
)

// hostAfter is what the host did during a sample; other in tests.
var hostAfter = (*telemetry.Host).After

// gap is the pause before each sample: longer than any thread of the arm
// before spins (see WorkerEnv).
const gap = 2 * time.Millisecond

// sample runs iterations on an arm and returns what came of it, checked. The
// host's counters are read outside the time that is taken here.
func (c *cellRun) sample(a *arm, untimed, iterations int) (record.Sample, error) {
	time.Sleep(gap)
	c.host.Before()
	counted := a.instructions()
	sent := time.Now()
	resp, wall, err := a.w.timedAsk(protocol.Request{Op: protocol.OpSample,
		Sample: &protocol.SampleRequest{Untimed: untimed, Iterations: iterations}})
	if err != nil {
		return record.Sample{}, err
	}
	jump := clockJump(sent, time.Now())
	s := record.Sample{
		Arm:        a.Name,
		Start:      c.at(sent),
		Wall:       wall,
		Iterations: iterations,
		Said:       *resp.Sample,
		Host:       hostAfter(c.host, a.w.proc.group),
	}
	s.Host.ClockJump = jump
	if counted >= 0 {
		s.Host.Instructions = max(0, a.instructions()-counted)
	}
	c.watchClocks(&s.Host)
	if err := s.Check(a.facts.ItemsPerIteration); err != nil {
		return s, a.w.blame(failf(record.Invalid, "worker's sample cannot be true: %v", err))
	}
	return s, nil
}

// instructions is the arm's count so far, -1 if there is none.
func (a *arm) instructions() int64 {
	if a.counter == nil {
		return -1
	}
	n, err := a.counter.Read()
	if err != nil {
		return -1
	}
	return n
}

// clockJump is how much further the wall clock went than the monotonic one, in
// seconds. What it may do by itself, being slewed or read a moment later, is none.
func clockJump(from, to time.Time) float64 {
	d := (to.Round(0).Sub(from.Round(0)) - to.Sub(from)).Seconds() // Round(0) strips the monotonic reading
	if math.Abs(d) < 1e-4 {
		return 0
	}
	return d
}

// firstIteration runs the first iteration after prepare, the cold cost.
func (c *cellRun) firstIteration(a *arm) error {
	s, err := c.sample(a, 0, 1)
	if err != nil {
		return err
	}
	a.first = s.Said.Durations[0]
	a.iteration = a.first
	a.resident = s.Said.RSSPeak
	return nil
}

// warmUp runs the plan's warm-up, in portions whose answers come well within
// the time limit, and estimates an iteration from the end of it.
func (c *cellRun) warmUp(a *arm) error {
	for left := c.cell.Plan.Warmup; left > 0; {
		n := min(left, iterationsFor(c.cell.Plan.TimeLimit/8, a.iteration))
		s, err := c.sample(a, 0, n)
		if err != nil {
			return err
		}
		left -= n
		a.iteration = median(s.Said.Durations[n/2:])
	}
	return nil
}
