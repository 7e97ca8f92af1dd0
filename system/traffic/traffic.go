package traffic

import (
	"fmt"
	"slices"
	"time"
)

// A Mode is a way in which queries come.
type Mode string

// The modes of the package comment.
const (
	SingleStream Mode = "single-stream"
	MultiStream  Mode = "multi-stream"
	Offline      Mode = "offline"
	Server       Mode = "server"
)

// Modes are all modes.
var Modes = []Mode{SingleStream, MultiStream, Offline, Server}

// A Plan says what queries there are.
type Plan struct {
	Mode   Mode
	Images int     // of a query: 1 for SingleStream and Server
	Batch  int     // images that pass through the network together, at most
	Rate   float64 // queries per second; of Server alone
	Seed   uint64  // of the arrivals; of Server alone
}

// Check says what is wrong with a plan.
func (p Plan) Check() error {
	single := p.Mode == SingleStream || p.Mode == Server
	switch {
	case !slices.Contains(Modes, p.Mode):
		return fmt.Errorf("unknown mode %q, want one of %v", p.Mode, Modes)
	case p.Images < 1 || single && p.Images != 1:
		return fmt.Errorf("mode %s: queries of %d images", p.Mode, p.Images)
	case p.Batch < 1:
		return fmt.Errorf("mode %s: batches of %d images, want 1 or more", p.Mode, p.Batch)
	case p.Mode == Server && !(p.Rate > 0):
		return fmt.Errorf("mode %s: %g queries a second, want more than 0", p.Mode, p.Rate)
	}
	return nil
}

// A Query is when things happened to one, in seconds from the beginning.
type Query struct {
	Scheduled float64 // arrival; in a closed loop its issue
	Issued    float64 // begin of the forward pass that it was in; of several, the first
	Done      float64 // its results were there
}

// Latency is how long a query took, in seconds.
func (q Query) Latency() float64 { return q.Done - q.Scheduled }

// A Clock is where time comes from.
type Clock interface {
	// Now returns the seconds since the beginning.
	Now() float64
	// Wait returns at that time, or somewhat later.
	Wait(until float64)
}

// Start returns a clock of real time that begins now.
func Start() Clock { return real(time.Now()) }

type real time.Time

func (c real) Now() float64 { return time.Since(time.Time(c)).Seconds() }

// Wait sleeps: to spin would take a core from what is measured.
func (c real) Wait(until float64) {
	time.Sleep(time.Duration((until - c.Now()) * float64(time.Second)))
}

// Run issues n queries, and returns them in order. serve computes images first to
// first+count−1 of an endless row, and returns when their results are there.
func (p Plan) Run(n int, c Clock, serve func(first, count int) error) ([]Query, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.Mode == Server {
		return p.open(n, c, serve)
	}
	queries := make([]Query, n)
	for i := range queries {
		now := c.Now()
		if err := p.inBatches(i*p.Images, serve); err != nil {
			return nil, err
		}
		queries[i] = Query{now, now, c.Now()}
	}
	return queries, nil
}

// inBatches serves one query.
func (p Plan) inBatches(first int, serve func(first, count int) error) error {
	for done := 0; done < p.Images; done += p.Batch {
		if err := serve(first+done, min(p.Batch, p.Images-done)); err != nil {
			return err
		}
	}
	return nil
}

// open serves queries that arrive by themselves.
func (p Plan) open(n int, c Clock, serve func(first, count int) error) ([]Query, error) {
	queries := make([]Query, n)
	arrivals := Poisson(p.Rate, p.Seed)
	for i := range queries {
		queries[i].Scheduled = arrivals.Next()
	}
	for first := 0; first < n; {
		if queries[first].Scheduled > c.Now() {
			c.Wait(queries[first].Scheduled)
		}
		now := c.Now()
		count := 1
		for first+count < n && count < p.Batch && queries[first+count].Scheduled <= now {
			count++
		}
		if err := serve(first, count); err != nil {
			return nil, err
		}
		done := c.Now()
		for i := first; i < first+count; i++ {
			queries[i].Issued, queries[i].Done = now, done
		}
		first += count
	}
	return queries, nil
}
