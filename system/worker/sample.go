package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"time"

	"lensbench/protocol"
	"lensbench/system/usage"
)

// maxIterations bounds the list of durations in one response.
const maxIterations = 10_000_000

// A clock notes when iterations end. A nil clock notes nothing.
type clock struct {
	begin, last time.Time // of the first iteration's start, of the latest one's end
	durations   []float64 // s
	latencies   []float64 // s, of queries that did not wait for each other
	delay       float64   // by which iterations are made longer, as a fraction

	added atomic.Int64 // ns by which they were made longer
}

// start begins the first iteration.
func (c *clock) start() {
	if c != nil {
		c.begin = time.Now()
		c.last = c.begin
	}
}

// lap ends an iteration and begins the next.
func (c *clock) lap() {
	if c != nil {
		now := c.slow(c.last)
		c.durations = append(c.durations, now.Sub(c.last).Seconds())
		c.last = now
	}
}

// slow makes what began then longer by the clock's delay, and returns the time after
// it. It keeps its core busy, as slower work would: a sleep is as long as the kernel
// likes, and lets others at the core.
func (c *clock) slow(began time.Time) time.Time {
	now := time.Now()
	if c == nil || c.delay == 0 {
		return now
	}
	done := now
	for until := done.Add(time.Duration(c.delay * float64(done.Sub(began)))); now.Before(until); {
		now = time.Now()
	}
	c.added.Add(int64(now.Sub(done)))
	return now
}

func (s *Server) sample(r *protocol.SampleRequest) (*protocol.Sample, error) {
	switch {
	case s.work == nil:
		return nil, refuse(protocol.BadRequest, "sample before a successful prepare")
	case r == nil:
		return nil, refuse(protocol.BadRequest, "sample without its object")
	case r.Iterations < 1 || r.Iterations > maxIterations || r.Untimed < 0 || r.Untimed > maxIterations:
		return nil, refuse(protocol.BadRequest, "%d untimed and %d timed iterations, want 0 to %d and 1 to %[3]d", r.Untimed, r.Iterations, maxIterations)
	}
	if err := s.work.rewind(); err != nil {
		return nil, err
	}
	warmUp, err := s.warmUp(r.Untimed)
	if err != nil {
		return nil, err
	}
	sample, err := s.measure(r.Iterations)
	if err == nil && sample.Memory != nil {
		sample.Memory.WarmUp = warmUp
	}
	return sample, err
}

// measure runs the timed iterations. Counters are read outside the time, the
// one nearest to it last before and first after.
func (s *Server) measure(n int) (*protocol.Sample, error) {
	if err := s.resetPeaks(); err != nil {
		return nil, err
	}
	childrenBefore, _, err := s.work.children()
	if err != nil {
		return nil, err
	}
	c := clock{durations: make([]float64, 0, n), delay: s.delay}
	before, err := usage.Counters()
	if err != nil {
		return nil, err
	}
	profile, err := s.iterate(n, &c)
	if err != nil {
		return nil, err
	}
	used, err := usage.Self()
	if err != nil {
		return nil, err
	}
	children, peaks, err := s.work.children()
	if err != nil {
		return nil, err
	}
	used = used.Since(before).Plus(children.Since(childrenBefore))
	sample := &protocol.Sample{
		Wall:        c.last.Sub(c.begin).Seconds(),
		CPU:         used.CPU,
		Durations:   c.durations,
		Latencies:   c.latencies,
		Items:       n * s.work.facts().ItemsPerIteration,
		RSSPeak:     used.RSSPeak,
		Voluntary:   used.Voluntary,
		Involuntary: used.Involuntary,
	}
	sample.Profile = profile
	if s.counts {
		sample.Memory = s.memory(peaks.Plus(s.work.tensorPeaks()))
		sample.TensorPeak = sample.Memory.AtPeak.Total()
	}
	sample.Extra, err = s.work.extra(sample.Wall / float64(n))
	if err == nil && s.delay > 0 {
		if sample.Extra == nil {
			sample.Extra = map[string]protocol.Number{}
		}
		sample.Extra["delay_seconds"] = protocol.Number(time.Duration(c.added.Load()).Seconds())
	}
	return sample, err
}

func (s *Server) verify(r *protocol.VerifyRequest) (*protocol.Outputs, error) {
	if s.work == nil {
		return nil, refuse(protocol.BadRequest, "verify before a successful prepare")
	}
	check := ""
	if r != nil {
		check = r.Check
	}
	var o outputs
	var err error
	if check == protocol.CheckScores {
		o, err = s.scores(r)
	} else {
		o, err = s.work.outputs(check)
	}
	if err != nil {
		return nil, err
	}
	out := &protocol.Outputs{Shape: o.shape, Values: make([]protocol.Number, len(o.values)), Digests: o.digests}
	for i, v := range o.values {
		out.Values[i] = protocol.Number(v)
	}
	out.Digest = digestOf(o.values)
	if o.values == nil && o.digests != nil {
		sum := sha256.Sum256([]byte(strings.Join(o.digests, "\n") + "\n"))
		out.Digest = hex.EncodeToString(sum[:])
	}
	return out, nil
}
