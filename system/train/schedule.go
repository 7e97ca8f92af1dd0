package train

import (
	"fmt"
	"math"
	"strings"

	"lensbench/nearest"
)

// Kinds of schedules.
const (
	// Cosine grows linearly for a share of the steps, and then falls to 0 as
	// half a period of a cosine (Loshchilov and Hutter 2017).
	Cosine = "cosine"
	// Plateau is PyTorch's ReduceLROnPlateau: the rate is multiplied by a factor
	// when the validation loss has not become lower for some epochs.
	Plateau = "plateau"
	// Constant never changes.
	Constant = "constant"
)

// Schedules are the kinds there are.
var Schedules = []string{Cosine, Plateau, Constant}

// A schedule gives each step its rate.
type schedule interface {
	// rate is that of a step, counted from 0.
	rate(step int) float64
	// epoch is told each epoch's validation loss.
	epoch(loss float64)
	// state is what the rates to come depend on beside the settings; nil: nothing.
	state() *plateauState
}

// new returns the schedule of a run of that many steps.
func (s ScheduleSetting) new(rate float64, steps int) (schedule, error) {
	switch s.Kind {
	case Cosine:
		return cosine{rate, int(math.Round(s.WarmUp * float64(steps))), steps}, nil
	case Plateau:
		return &plateau{s, plateauState{Rate: rate}}, nil
	case Constant:
		return constant(rate), nil
	}
	hint := ""
	if near := nearest.Name(s.Kind, Schedules); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("schedule %q is not known; there is %s%s", s.Kind, strings.Join(Schedules, ", "), hint)
}

type constant float64

func (c constant) rate(int) float64   { return float64(c) }
func (constant) epoch(float64)        {}
func (constant) state() *plateauState { return nil }

type cosine struct {
	peak   float64
	warmUp int // steps; the last of them has the peak
	steps  int
}

func (c cosine) rate(step int) float64 {
	if step < c.warmUp {
		return c.peak * float64(step+1) / float64(c.warmUp)
	}
	return c.peak * 0.5 * (1 + math.Cos(math.Pi*float64(step-c.warmUp)/float64(c.steps-c.warmUp)))
}

func (cosine) epoch(float64)        {}
func (cosine) state() *plateauState { return nil }

// A plateauState is what a plateau has seen.
type plateauState struct {
	Rate float64  `json:"rate"`
	Best *float64 `json:"best,omitempty"` // loss; nil: no epoch yet
	Bad  int      `json:"bad,omitempty"`  // epochs since
}

type plateau struct {
	ScheduleSetting
	plateauState
}

func (p *plateau) rate(int) float64     { return p.Rate }
func (p *plateau) state() *plateauState { s := p.plateauState; return &s }

func (p *plateau) epoch(loss float64) {
	const threshold = 1e-4 // by which share a loss has to be lower, as in PyTorch
	if p.Best == nil || loss < *p.Best*(1-threshold) {
		p.Best, p.Bad = &loss, 0
		return
	}
	p.Bad++
	if p.Bad > p.Patience {
		p.Rate, p.Bad = p.Rate*p.Factor, 0
	}
}

// restore continues a schedule where another left off.
func restore(s schedule, state *plateauState) error {
	p, ok := s.(*plateau)
	if ok != (state != nil) {
		return fmt.Errorf("the state of the schedule is not that of its kind")
	}
	if ok {
		p.plateauState = *state
	}
	return nil
}
