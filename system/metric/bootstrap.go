package metric

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A Bootstrap estimates how far a number would scatter between samples, from
// replicates: samples of the same size drawn from the sample, with replacement
// (Efron & Tibshirani 1993).
//
// Lenses and others are drawn separately, so every replicate has as many of each
// as the sample: a test set's balance is chosen when it is made and not found by
// chance, and no replicate is without a lens. Precision, accuracy and all that
// depends on the balance holds for the balance of the sample.
//
// Intervals are between percentiles of the replicates. Two things they cannot do:
// where no replicate differs (no mistake in the sample) they are a point, though
// Binomial has a bound; and at FPR = 0, which hangs on the single highest of
// those that are no lenses, they are too short, for no replicate has a higher one.
//
// The draw is a function of (Seed, replicate), so the result is the same to the
// bit on any number of goroutines. A replicate costs one draw per image and no
// sorting: it is the sample with other weights.
//
// Rejected: BCa, whose jackknife costs one evaluation per image; Poisson weights,
// which do not keep the number of lenses.
type Bootstrap struct {
	Replicates int    `json:"replicates"` // 0: DefaultReplicates
	Seed       uint64 `json:"seed"`
	Workers    int    `json:"-"` // goroutines; 0: as many as CPUs. No part of the result
}

// DefaultReplicates keep the noise of a bound, one standard deviation, at about a
// fiftieth of the length of its interval.
const DefaultReplicates = 1000

// A Statistic is a number of a sample.
type Statistic struct {
	Of func(*Sample) float64
	// Biased is for calibration errors. Chance makes a sample look less well
	// calibrated than what it is from, and a replicate less than the sample, so
	// percentiles would exclude the truth and even the sample's own value. The
	// interval is reflected instead, from 2·v − high to 2·v − low (the basic
	// bootstrap), and holds v in any case. It begins at 0 if samples of true
	// probabilities, see Calibrated, have such values too.
	Biased bool
}

// Estimates returns each statistic of a sample with its interval. Replicates in
// which one is not defined do not count for it; it has no interval if those are
// the half.
func (b Bootstrap) Estimates(s *Sample, statistics ...Statistic) []Estimate {
	values := b.replicate(s, statistics)
	out := make([]Estimate, len(statistics))
	for k, st := range statistics {
		low, high := central(values[k])
		out[k] = Estimate{st.Of(s), low, high}
		if st.Biased && !math.IsNaN(low) {
			out[k] = b.reflect(s, st, out[k])
		}
	}
	return out
}

// reflect makes the interval of what is biased from the replicates' percentiles.
func (b Bootstrap) reflect(s *Sample, st Statistic, e Estimate) Estimate {
	v := e.Value
	e.Low, e.High = min(v, max(0, 2*v-e.High)), max(v, 2*v-e.Low)
	if v <= b.Calibrated(s, st.Of).High {
		e.Low = 0
	}
	return e
}

// Interval is Estimates of one number.
func (b Bootstrap) Interval(s *Sample, of func(*Sample) float64) Estimate {
	return b.Estimates(s, Statistic{Of: of})[0]
}

// replicate returns the values of each statistic in all replicates; none if a
// class is empty.
func (b Bootstrap) replicate(s *Sample, statistics []Statistic) [][]float64 {
	values := make([][]float64, len(statistics))
	if s.lenses == 0 || s.others == 0 {
		return values
	}
	for k := range values {
		values[k] = make([]float64, b.replicates())
	}
	lenses, others := s.places()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range b.workers() {
		wait.Go(func() {
			t := *s
			t.weights = make([]int32, len(s.weights))
			for r := int(next.Add(1)) - 1; r < b.replicates(); r = int(next.Add(1)) - 1 {
				clear(t.weights)
				random := b.random(r)
				draw(random, t.weights, lenses)
				draw(random, t.weights, others)
				for k, st := range statistics {
					values[k][r] = st.Of(&t)
				}
			}
		})
	}
	wait.Wait()
	return values
}

func (b Bootstrap) replicates() int {
	if b.Replicates == 0 {
		return DefaultReplicates
	}
	return b.Replicates
}

func (b Bootstrap) workers() int {
	if b.Workers == 0 {
		return min(b.replicates(), runtime.GOMAXPROCS(0))
	}
	return b.Workers
}

func (b Bootstrap) random(replicate int) *rand.Rand {
	return rand.New(rand.NewPCG(b.Seed, uint64(replicate)))
}

// draw gives weight to as many places as there are, with replacement.
func draw(r *rand.Rand, weights, places []int32) {
	n := uint32(len(places))
	for range places {
		weights[places[r.Uint32N(n)]]++
	}
}

// places returns where the lenses are and where the others.
func (s *Sample) places() (lenses, others []int32) {
	for i, lens := range s.lens {
		if lens {
			lenses = append(lenses, int32(i))
		} else {
			others = append(others, int32(i))
		}
	}
	return lenses, others
}

// central returns the bounds of the central part of values, of which it sorts
// those that are numbers; NaN if fewer than half of them are.
func central(values []float64) (low, high float64) {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 || 2*len(known) < len(values) {
		return math.NaN(), math.NaN()
	}
	slices.Sort(known)
	return quantile(known, (1-Confidence)/2), quantile(known, 1-(1-Confidence)/2)
}

// quantile interpolates between the two values around p, as NumPy does.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	k := int(at)
	if k+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(k)
	return sorted[k]*(1-f) + sorted[k+1]*f
}

// Calibrated returns the mean of a calibration error, and the bounds of its central
// part, in samples for which these probabilities are true: labels are drawn from
// them. An error is bad news only as far as it exceeds this. It is NaN without
// probabilities.
func (b Bootstrap) Calibrated(s *Sample, of func(*Sample) float64) Estimate {
	if s.calibre == nil || len(s.scores) == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	t := *s
	t.lens = make([]bool, len(s.lens))
	values, sum := make([]float64, b.replicates()), 0.0
	for r := range values {
		random := b.random(r)
		for i, p := range s.calibre.p {
			t.lens[i] = random.Float64() < p
		}
		t.count()
		values[r] = of(&t)
		sum += values[r]
	}
	low, high := central(values)
	return Estimate{sum / float64(len(values)), low, high}
}
