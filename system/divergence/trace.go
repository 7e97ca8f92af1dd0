package divergence

import (
	"fmt"
	"slices"

	"lensbench/system/train"
)

// What differs in a step.
const (
	Loss     = "loss"
	Gradient = "gradient"
	Weight   = "weight"
)

// A Step is the first step in which two runs differ.
type Step struct {
	Step      int    `json:"step"` // from 1
	Epoch     int    `json:"epoch"`
	What      string `json:"what"`                // Loss, Gradient or Weight: the first that differs in the step
	Parameter string `json:"parameter,omitempty"` // whose gradient or weight it is: the first in the order of computing
	Others    int    `json:"others"`              // number of further parameters of which the same differs
	LossA     string `json:"loss_a"`
	LossB     string `json:"loss_b"`
}

func compareTraces(r *Report) error {
	if !r.both(train.TraceName) {
		return nil
	}
	p, err := r.openPair(train.TraceName)
	if err != nil {
		return err
	}
	defer p.close()
	names, err := p.names()
	if err != nil {
		return err
	}
	r.Traced = true
	for {
		a, b, err := p.step(len(names))
		if err != nil || a == nil {
			return err
		}
		r.Steps++
		if r.First = difference(a, b, names); r.First != nil {
			return nil
		}
	}
}

// names returns the names of the parameters, which both runs must have.
func (p pair) names() ([]string, error) {
	var a, b train.TraceNames
	okA, errA := p.a.next(&a)
	okB, errB := p.b.next(&b)
	switch {
	case errA != nil:
		return nil, errA
	case errB != nil:
		return nil, errB
	case !okA || !okB || !slices.Equal(a.Names, b.Names):
		return nil, fmt.Errorf("%s and %s are of networks with other parameters (%d and %d)", p.a.file.Name(), p.b.file.Name(), len(a.Names), len(b.Names))
	}
	return a.Names, nil
}

// step returns the next step that both traces have, nil at the end of either. A
// trace that was begun in the middle of a run has no earlier steps.
func (p pair) step(parameters int) (a, b *train.TraceLine, err error) {
	if a, err = p.a.step(parameters); err != nil || a == nil {
		return nil, nil, err
	}
	if b, err = p.b.step(parameters); err != nil || b == nil {
		return nil, nil, err
	}
	for a.Step != b.Step {
		behind, at := p.a, &a
		if b.Step < a.Step {
			behind, at = p.b, &b
		}
		if *at, err = behind.step(parameters); err != nil || *at == nil {
			return nil, nil, err
		}
	}
	return a, b, nil
}

func (l *lines) step(parameters int) (*train.TraceLine, error) {
	var t train.TraceLine
	ok, err := l.next(&t)
	if err != nil || !ok {
		return nil, err
	}
	if len(t.Gradients) != parameters || len(t.Weights) != parameters {
		return nil, fmt.Errorf("%s:%d: digests of %d gradients and %d weights, want %d", l.file.Name(), l.number, len(t.Gradients), len(t.Weights), parameters)
	}
	return &t, nil
}

// difference returns what is different in a step, nil for nothing.
func difference(a, b *train.TraceLine, names []string) *Step {
	s := &Step{Step: a.Step, Epoch: a.Epoch, LossA: a.Loss, LossB: b.Loss}
	if a.Loss != b.Loss {
		s.What = Loss
		return s
	}
	if i, n := differing(a.Gradients, b.Gradients); n > 0 {
		s.What, s.Parameter, s.Others = Gradient, names[i], n-1
		return s
	}
	if i, n := differing(a.Weights, b.Weights); n > 0 {
		s.What, s.Parameter, s.Others = Weight, names[i], n-1
		return s
	}
	return nil
}

// differing returns the last index at which a and b differ, and at how many they
// do: the backward pass goes from the last parameter to the first.
func differing(a, b train.Digests) (last, n int) {
	for i := range a {
		if a[i] != b[i] {
			last = i
			n++
		}
	}
	return last, n
}
