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

// A Throughput looks for the batch with the most images per second under the budget,
// and then stays at it. From the first batch that fits it doubles, as long as each
// batch is better than the last by Gain and the next is not expected to exceed Budget. If not even
// the first doubling is better, or may be tried, it halves in the same way. That is the
// best of all such batches if the rate has one maximum; it does not look further on both
// sides of one.
type Throughput struct {
	Limits
	Budget int64   // bytes
	Gain   float64 // share, such as 0.03: a smaller one does not pay for another batch
	Steps  int     // measured at each batch, of which the fastest counts; 0: 3

	report   Report
	steps    int     // at this batch
	fastest  float64 // images per second at this batch
	best     int     // batch; 0: none was measured yet
	rate     float64 // its images per second
	before   fit     // of the last batch that fitted
	tooLarge int     // smallest batch for which memory ran out; 0: none
	grew     bool    // a doubling was better
	down     bool    // halves now
	settled  bool
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
		return r.move(o.Batch, r.outOfMemory(o.Batch))
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

// outOfMemory returns the next batch after one that did not fit.
func (r *Throughput) outOfMemory(batch int) int {
	r.report.OutOfMemory++
	r.tooLarge = batch
	if r.best == 0 || batch <= r.best { // also what fitted once may not any more
		r.best, r.settled = 0, false
		return r.clamp(batch / 2)
	}
	return r.turn()
}

func (r *Throughput) wanted() int {
	if r.Steps == 0 {
		return 3
	}
	return r.Steps
}

// decide returns the next batch, when enough is known about this one.
func (r *Throughput) decide(o Observation) int {
	if r.best > 0 {
		if r.fastest < r.rate*(1+r.Gain) {
			return r.turn()
		}
		r.grew = r.grew || !r.down
	}
	r.best, r.rate = o.Batch, r.fastest
	if r.down {
		return r.halve()
	}
	next := r.clamp(2 * o.Batch)
	if next == o.Batch || r.tooLarge > 0 && next >= r.tooLarge || r.exceeds(o, next) {
		return r.turn()
	}
	r.before = fit{o.Batch, o.Peak}
	return next
}

// turn looks below the first batch if no batch above it was better, or stays at the
// best.
func (r *Throughput) turn() int {
	if r.grew || r.down {
		r.settled = true
		return r.best
	}
	r.down = true
	return r.halve()
}

// halve returns half of the best batch, unless that is the smallest.
func (r *Throughput) halve() int {
	next := r.clamp(r.best / 2)
	r.settled = next == r.best
	return next
}

// exceeds says whether a batch is expected to take more than the budget, on a line
// through the last two peaks. After one alone nothing is known: weights and moments,
// which do not grow, may be most of it. Then the attempt shows.
func (r *Throughput) exceeds(o Observation, batch int) bool {
	if r.before.batch == 0 || r.before.batch == o.Batch {
		return false
	}
	slope := float64(o.Peak-r.before.peak) / float64(o.Batch-r.before.batch)
	return o.Peak+int64(slope*float64(batch-o.Batch)) > r.Budget
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
