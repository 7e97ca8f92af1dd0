package verdict

import (
	"errors"
	"fmt"
	"math"
)

// MinRestarts is the fewest restarts that give a verdict: 2^−8 is the first
// power below 1/2 %, one side of a 99 % interval.
const MinRestarts = 8

// EquivalenceLevel is the level of each one-sided test of equivalence.
const EquivalenceLevel = 0.05

// Half-widths of "equivalent", as fractions: half of the change that is to be
// caught.
const (
	ThetaTime = 0.01 // time and throughput
	ThetaTail = 0.02 // latency's 99th percentile
)

// ThetaMemory is the half-width for a peak of that many bytes: 0.1 % or 1 MiB,
// the larger.
func ThetaMemory(bytes float64) float64 { return max(0.001, (1<<20)/bytes) }

// Options of Compare. The zero value is the project's rule.
type Options struct {
	Confidence float64 // of the interval, in (0, 1); 0 means 0.99. A difference is proven at level 1 − Confidence, two-sided
	Theta      float64 // half-width of "equivalent", in (0, 1); 0 means ThetaTime
	Look       Look    // at which it is made; zero: the number of restarts was fixed beforehand

	// OutcomeOnly leaves MDE and the cross-check NaN. They take nearly all of the
	// time and decide nothing.
	OutcomeOnly bool
}

// An Outcome is what a comparison comes to.
type Outcome string

// Outcomes. A proven difference whose whole interval lies within ±θ is
// Equivalent: it is real and does not matter.
const (
	Higher       Outcome = "higher" // the variant's values are the larger
	Lower        Outcome = "lower"
	Equivalent   Outcome = "equivalent"   // within ±θ
	Inconclusive Outcome = "inconclusive" // neither; see Statement.MDE
	Insufficient Outcome = "insufficient" // fewer than MinRestarts, or no finite interval
)

// A Statement is the comparison of a variant with its control on one metric.
// Ratios are variant ÷ control.
type Statement struct {
	Outcome     Outcome
	Ratio       float64 // estimate: exp of the pooled median log-ratio
	Low, High   float64 // interval, from 0 to +Inf if nothing can be rejected; at a Look it holds together with those of all other looks
	Confidence  float64 // of the interval
	P           float64 // two-sided, for "no difference"; at a Look, over all looks
	Equivalence float64 // p for "they differ by θ or more"; at a Look, over all looks
	Inner       Bounds  // interval that the tests of equivalence leave
	Theta       float64 // half-width of "equivalent"
	MDE         float64 // smallest ratio − 1 found with 95 % power, if it may go either way; +Inf if Insufficient
	CheckLow    float64 // cluster bootstrap, at the same confidence, as a cross-check
	CheckHigh   float64
	Restarts    int     // that have pairs
	Pairs       int     // blocks of all restarts
	Warnings    []error // what a reader should know
}

// Bounds are the ends of an interval of ratios, variant ÷ control, from 0 to
// +Inf where nothing can be rejected. Confidence is that of both ends together.
type Bounds struct{ Low, High, Confidence float64 }

// ErrCheckDisagrees warns that the cluster bootstrap contradicts the test on
// whether there is a difference.
var ErrCheckDisagrees = errors.New("cluster bootstrap and sign-flip test disagree on whether there is a difference")

// An EmptyRestartsWarning counts restarts without pairs, which are left out.
type EmptyRestartsWarning int

func (w EmptyRestartsWarning) Error() string {
	return fmt.Sprintf("%d restarts have no complete block and are left out", int(w))
}

// Compare states how the variant's values relate to the control's. Samples are
// indexed by restart and block; equal indices are a pair. An error means that
// the samples make no pairs; too few of them is an outcome.
func Compare(control, variant [][]float64, o Options) (Statement, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Statement{}, err
	}
	c, err := logRatios(control, variant)
	if err != nil {
		return Statement{}, err
	}
	s := o.state(c)
	if empty := len(control) - len(c.rows); empty > 0 {
		s.Warnings = append(s.Warnings, EmptyRestartsWarning(empty))
	}
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Confidence == 0 {
		o.Confidence = 0.99
	}
	if o.Theta == 0 {
		o.Theta = ThetaTime
	}
	if !(o.Confidence > 0 && o.Confidence < 1) {
		return o, fmt.Errorf("confidence %v: want more than 0 and less than 1", o.Confidence)
	}
	if !(o.Theta > 0 && o.Theta < 1) {
		return o, fmt.Errorf("theta %v: want more than 0 and less than 1", o.Theta)
	}
	return o, nil
}

// state makes all statements on c but the warnings on how it came about.
func (o Options) state(c clusters) Statement {
	l := o.levels()
	up, down := newFlipTest(c), newFlipTest(c.mirrored())
	theta := math.Log1p(o.Theta)
	s := Statement{
		Ratio:       math.Exp(c.median()),
		Confidence:  o.Confidence,
		P:           overall(min(1, 2*min(up.p(0), down.p(0))), l.shareD),
		Equivalence: overall(max(up.p(-theta), down.p(-theta)), l.shareE),
		Theta:       o.Theta,
		Restarts:    len(c.rows),
		Pairs:       len(c.pool),
		MDE:         math.NaN(),
		CheckLow:    math.NaN(),
		CheckHigh:   math.NaN(),
	}
	low, high := between(up, down, l.difference)
	s.Low, s.High = math.Exp(low), math.Exp(high)
	innerLow, innerHigh := between(up, down, l.equivalence)
	s.Inner = Bounds{math.Exp(innerLow), math.Exp(innerHigh), 1 - 2*EquivalenceLevel}
	s.Outcome = s.outcome(o.Look)
	if !o.OutcomeOnly {
		s.addDetectable(low, high, l.difference)
		s.addCheck(c)
	}
	return s
}

// between is the interval of log-ratios that tests at level, one-sided, leave.
func between(up, down *flipTest, level float64) (low, high float64) {
	if level <= 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return up.bound(level), -down.bound(level)
}

func (s *Statement) addDetectable(low, high, level float64) {
	s.MDE = math.Inf(1)
	if s.Outcome != Insufficient && !math.IsInf(high-low, 1) {
		s.MDE = math.Expm1(detectable(low, high, s.Restarts, level))
	}
}

func (s *Statement) addCheck(c clusters) {
	low, high := bootstrap(c, s.Confidence)
	s.CheckLow, s.CheckHigh = math.Exp(low), math.Exp(high)
	if s.Outcome != Insufficient {
		s.check()
	}
}

func (s *Statement) outcome(look Look) Outcome {
	unbounded := s.Low == 0 || math.IsInf(s.High, 1)
	within := s.Low >= 1/(1+s.Theta) && s.High <= 1+s.Theta
	switch {
	case s.Restarts < MinRestarts || unbounded && (look == Look{} || look.Last()):
		return Insufficient
	case s.Low > 1 && !within:
		return Higher
	case s.High < 1 && !within:
		return Lower
	case s.Equivalence <= EquivalenceLevel:
		return Equivalent
	}
	return Inconclusive
}

// check warns if the bootstrap sees the opposite. That it alone sees a
// difference is no reason to warn: it is known to be too narrow for few
// restarts.
func (s *Statement) check() {
	differs := s.Low > 1 || s.High < 1
	if differs && s.CheckLow <= 1 && s.CheckHigh >= 1 {
		s.Warnings = append(s.Warnings, ErrCheckDisagrees)
	}
}
