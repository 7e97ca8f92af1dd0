package adaptive

// An Observation is what one step has taken.
type Observation struct {
	Batch       int     // images
	Peak        int64   // bytes, the most that were in use at once
	Seconds     float64 // of the step
	OutOfMemory bool    // it failed, because memory ran out; Peak and Seconds do not count
}

// A Rule chooses batches. Next tells it what the last step has taken, and returns the
// batch of the next.
type Rule interface {
	Next(o Observation) int
	Report() Report
}

// A Report is what has become of a rule.
type Report struct {
	Batch       int  // now
	Changes     int  // of the batch so far
	OutOfMemory int  // steps that failed
	Oscillates  bool // the rule went back to a batch that it had left, more than once
}

// Limits are the smallest and the largest batch.
type Limits struct{ Least, Most int }

func (l Limits) clamp(batch int) int { return max(l.Least, min(batch, l.Most)) }

// A Doubling doubles the batch when the peak is below Low of the budget, and halves
// it above High.
type Doubling struct {
	Limits
	Budget    int64   // bytes
	Low, High float64 // shares of the budget, such as 0.8 and 0.95

	report Report
	up     bool // the last change was a doubling
	turns  int  // changes against the direction of the one before
}

// oscillation is the number of turns at which a rule is said to go to and fro: up and
// down again once is how it finds out.
const oscillation = 3

// Next is Rule's.
func (r *Doubling) Next(o Observation) int {
	used := float64(o.Peak) / float64(r.Budget)
	next := o.Batch
	switch {
	case o.OutOfMemory:
		r.report.OutOfMemory++
		next /= 2
	case used > r.High:
		next /= 2
	case used < r.Low:
		next *= 2
	}
	r.change(o.Batch, r.clamp(next))
	return r.report.Batch
}

func (r *Doubling) change(from, to int) {
	r.report.Batch = to
	if from == to {
		return
	}
	if up := to > from; r.report.Changes > 0 && up != r.up {
		r.turns++
	}
	r.report.Changes++
	r.up = to > from
	r.report.Oscillates = r.turns >= oscillation
}

// Report is Rule's.
func (r *Doubling) Report() Report { return r.report }

// A Throughput doubles the batch while images per second grow by Gain and the next
// batch is expected to stay below the budget, and then stays at the best.
type Throughput struct {
	Limits
	Budget int64   // bytes
	Gain   float64 // share, such as 0.03: a smaller one does not pay for a larger batch
	Steps  int     // measured at each batch, of which the fastest counts; 0: 3

	report  Report
	steps   int     // at this batch
	fastest float64 // images per second at this batch
	best    int     // batch
	rate    float64 // its images per second
	before  fit     // of the last batch that fitted
	settled bool
}

// A fit is the memory of a batch.
type fit struct {
	batch int
	peak  int64
}

// Next is Rule's.
func (r *Throughput) Next(o Observation) int {
	switch {
	case o.OutOfMemory:
		r.report.OutOfMemory++
		r.settled = r.best > 0
		if r.settled {
			return r.move(o.Batch, r.best)
		}
		return r.move(o.Batch, r.clamp(o.Batch/2))
	case r.settled:
		return r.move(o.Batch, o.Batch)
	}
	r.steps++
	r.fastest = max(r.fastest, float64(o.Batch)/o.Seconds)
	if r.steps < r.wanted() {
		return r.move(o.Batch, o.Batch)
	}
	return r.move(o.Batch, r.decide(o))
}

func (r *Throughput) wanted() int {
	if r.Steps == 0 {
		return 3
	}
	return r.Steps
}

// decide returns the next batch, when enough is known about this one.
func (r *Throughput) decide(o Observation) int {
	rate := r.fastest
	if r.best > 0 && rate < r.rate*(1+r.Gain) {
		r.settled = true
		return r.best
	}
	r.best, r.rate = o.Batch, rate
	next := r.clamp(2 * o.Batch)
	if next == o.Batch || r.expected(o, next) > r.Budget {
		r.settled = true
		return o.Batch
	}
	r.before = fit{o.Batch, o.Peak}
	return next
}

// expected is the peak of a batch on a line through the last two; with one alone, as
// if all of it grew.
func (r *Throughput) expected(o Observation, batch int) int64 {
	slope := float64(o.Peak) / float64(o.Batch)
	if r.before.batch > 0 && r.before.batch != o.Batch {
		slope = float64(o.Peak-r.before.peak) / float64(o.Batch-r.before.batch)
	}
	return o.Peak + int64(slope*float64(batch-o.Batch))
}

func (r *Throughput) move(from, to int) int {
	if from != to {
		r.report.Changes++
		r.steps, r.fastest = 0, 0
	}
	r.report.Batch = to
	return to
}

// Settled says whether the batch will stay.
func (r *Throughput) Settled() bool { return r.settled }

// Report is Rule's.
func (r *Throughput) Report() Report { return r.report }
