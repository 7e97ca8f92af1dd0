package divergence

import (
	"lensbench/system/train"
)

// An Interval is the first line about steps or an epoch of two journals that
// differs.
type Interval struct {
	After int     `json:"after"` // the last step up to which the journals are equal
	Step  int     `json:"step"`  // the step that the line was written after
	LossA float64 `json:"loss_a"`
	LossB float64 `json:"loss_b"`
	NormA float64 `json:"gradient_norm_a"`
	NormB float64 `json:"gradient_norm_b"`
}

// compareJournals also finds what is different in the settings.
func compareJournals(r *Report) error {
	p, err := r.openPair(train.JournalName)
	if err != nil {
		return err
	}
	defer p.close()
	var a, b train.RunLine
	if _, err := p.a.next(&a); err != nil {
		return err
	}
	if _, err := p.b.next(&b); err != nil {
		return err
	}
	r.Settings = append(r.Settings, train.Differences(a, b)...)
	after := 0
	for {
		a, b, err := p.interval()
		if err != nil || a == nil || b == nil {
			return err
		}
		if a.Step != b.Step || a.Loss != b.Loss || a.Norm != b.Norm {
			r.Journal = &Interval{after, a.Step, a.Loss, b.Loss, a.Norm, b.Norm}
			return nil
		}
		after = a.Step
	}
}

// interval returns the next line about steps of each journal, nil at its end.
func (p pair) interval() (a, b *train.StepLine, err error) {
	if a, err = p.a.interval(); err != nil {
		return nil, nil, err
	}
	b, err = p.b.interval()
	return a, b, err
}

func (l *lines) interval() (*train.StepLine, error) {
	for {
		var s train.StepLine
		ok, err := l.next(&s)
		if err != nil || !ok {
			return nil, err
		}
		if s.IsStep() {
			return &s, nil
		}
	}
}
