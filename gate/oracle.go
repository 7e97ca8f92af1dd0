package gate

import (
	"fmt"
	"maps"

	"lensbench/judge"
	"lensbench/record"
)

// Arms of a run that places a commit between a good and a bad one.
const (
	GoodArm      = "good"
	CandidateArm = "candidate"
	BadArm       = "bad"
)

// WorkerOf is the name that such an arm has for its build.
func WorkerOf(arm string) string { return "lens-" + arm }

// Beside are the work of lens in cells of scenarios, each piece once, as cells with
// these arms, which differ in their builds alone.
func Beside(cells []record.Cell, arms ...string) []record.Cell {
	plain, _ := Cells(cells, Options{})
	for i := range plain {
		c := &plain[i]
		work := c.Arms[0]
		c.Arms, c.Point = nil, maps.Clone(c.Point)
		for _, name := range arms {
			work.Name, work.Worker = name, WorkerOf(name)
			c.Arms = append(c.Arms, work)
		}
		c.Equal = nil // whether outputs are right is not what is searched for
	}
	return plain
}

// A Worse is a metric in which one arm is worse than another.
type Worse struct {
	Cell   string // ID
	Name   string
	Metric string
	Reason string // the numbers
}

func (w Worse) String() string { return fmt.Sprintf("%s: %s: %s", w.Name, w.Metric, w.Reason) }

// WorseThan lists the metrics in which an arm is worse than the control, by the rule of
// the gate, and says what keeps from judging, "" if nothing does.
func (m Measured) WorseThan(control, arm string) (out []Worse, why string) {
	for _, c := range judge.Pair(m.Run, m.Entries, control, arm) {
		name := record.Name(c.Scenario, c.Point)
		if c.Status != record.OK && c.Status != record.Contaminated {
			why = fmt.Sprintf("%s: %s: %s", name, c.Status, c.Reason)
			continue
		}
		for _, k := range c.Comparisons {
			if worse, _ := beyond(k); worse && proven(k) {
				out = append(out, Worse{c.Cell, name, k.Metric, k.Reason})
			}
		}
	}
	return out, why
}

// A Place is where a commit lies.
type Place struct {
	Bad     bool
	Decided bool   // false: neither could be shown
	Why     string // the numbers, or what was missing
}

// Place says whether the candidate is as bad as bad, or as good as good. It is bad if
// it is worse than good. It is good if bad is worse than it, which also shows that the
// run could see what is searched for; that it is not worse than good alone would show
// nothing. Where it lies between the two, more than one commit made things worse, and
// the first is what is searched for.
func (m Measured) Place() Place {
	worse, why := m.WorseThan(GoodArm, CandidateArm)
	if len(worse) > 0 {
		return Place{Bad: true, Decided: true, Why: worse[0].String()}
	}
	better, whyNot := m.WorseThan(CandidateArm, BadArm)
	switch {
	case why != "" || whyNot != "":
		if why == "" {
			why = whyNot
		}
		return Place{Why: why}
	case len(better) > 0:
		return Place{Decided: true, Why: better[0].String()}
	}
	return Place{Why: fmt.Sprintf("%s: it is told apart neither from good nor from bad", m.Run.ID)}
}
