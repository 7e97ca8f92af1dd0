package calibration

import (
	"fmt"
	"math"
	"slices"
	"time"

	"lensbench/judge"
	"lensbench/record"
	"lensbench/verdict"
)

// confidence is that of the intervals of rates.
const confidence = 0.95

// AlarmLevel is how often a statement on equal arms may see a difference.
const AlarmLevel = 0.01

// Minutes are the times for which the detectable effect is stated.
var Minutes = []float64{1, 5, 30}

// A Calibration is what one run of equal arms found.
type Calibration struct {
	Run      string    `json:"run"` // ID
	Started  time.Time `json:"started"`
	Scenario string    `json:"scenario"`
	Bench    string    `json:"bench"` // build of the harness
	Seconds  float64   `json:"seconds"`
	Restarts int       `json:"restarts"`         // of both arms
	Blocks   int       `json:"blocks"`           // per restart
	Size     int       `json:"size"`             // restarts of a set
	Sets     int       `json:"sets"`             // each a statement per metric
	Unfit    int       `json:"unfit"`            // sets that do not count: nobody would believe them
	Busy     int       `json:"busy,omitempty"`   // sets that count though contaminated, by what ran beside them on purpose
	Plant    float64   `json:"plant,omitempty"`  // per cent by which a third arm was slowed down; 0 without one
	Beside   string    `json:"beside,omitempty"` // what ran beside the arms on purpose
	Metrics  []Metric  `json:"metrics"`
}

// A Metric is what a calibration found in one metric.
type Metric struct {
	Metric     string   `json:"metric"` // one of record's
	Rate       Rate     `json:"false_alarms"`
	Found      *Rate    `json:"found,omitempty"` // statements that found the planted arm slower; nil without one
	Detectable []Effect `json:"detectable"`      // in the order of Minutes
}

// A Rate is how often something was seen, with its exact 95 % interval.
type Rate struct {
	Seen int     `json:"seen"`
	Of   int     `json:"of"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// An Effect is the smallest difference that is found with 95 % power.
type Effect struct {
	Minutes  float64  `json:"minutes"`          // of measuring two arms
	Restarts int      `json:"restarts"`         // that fit into them
	Effect   *float64 `json:"effect,omitempty"` // as a fraction; nil if too few restarts fit for a verdict
}

// TooShort means that a run has too few restarts for a single statement.
type TooShort struct {
	Restarts int
	Seconds  float64
	Size     int // restarts of a statement
}

func (e *TooShort) Error() string {
	return fmt.Sprintf("%d restarts in %.0f s; a statement needs %d: give it more time with --for", e.Restarts, e.Seconds, e.Size)
}

// Of makes the statements of a run of twins from its journal, each of size restarts, of
// which a verdict needs verdict.MinRestarts.
func Of(run record.Run, entries []record.Entry, size int) (Calibration, error) {
	if size < verdict.MinRestarts {
		return Calibration{}, fmt.Errorf("statements of %d restarts: a verdict needs %d", size, verdict.MinRestarts)
	}
	plant, err := planted(run)
	if err != nil {
		return Calibration{}, fmt.Errorf("run %s is no calibration: %w", run.ID, err)
	}
	c := run.Cells[0]
	p := cut(c, entries)
	out := Calibration{Run: run.ID, Started: run.Started, Scenario: record.Name(c.Scenario, c.Point), Bench: run.Context.Bench,
		Seconds: p.seconds, Restarts: len(p.restarts), Blocks: c.Plan.Blocks, Size: size, Plant: plant, Beside: run.Context.Beside}
	if err := p.ended(); err != nil {
		return out, err
	}
	if out.Restarts < size {
		return out, &TooShort{out.Restarts, p.seconds, size}
	}
	sets := p.judged(run, size)
	out.Sets = len(sets)
	for _, s := range sets {
		switch {
		case !counts(run, s):
			out.Unfit++
		case s.Status == record.Contaminated:
			out.Busy++
		}
	}
	scatter := scatters(p.judged(run, scatterRestarts(out.Restarts)), c.Arms[1].Name)
	perRestart := p.seconds / float64(out.Restarts) * 2 / float64(len(c.Arms))
	for _, name := range c.Measure {
		m := Metric{Metric: name}
		m.Rate = rate(run, sets, func(s record.CellVerdict) bool { return says(s, name, c.Arms[1].Name, record.Faster, record.Slower) })
		if plant > 0 {
			found := rate(run, sets, func(s record.CellVerdict) bool { return says(s, name, c.Arms[2].Name, record.Slower) })
			m.Found = &found
		}
		m.Detectable = detectable(scatter[name], perRestart)
		out.Metrics = append(out.Metrics, m)
	}
	return out, nil
}

// planted is the delay of a third arm in per cent, 0 without one; the first two
// must be equal.
func planted(run record.Run) (float64, error) {
	if len(run.Cells) != 1 || len(run.Cells[0].Arms) < 2 || len(run.Cells[0].Arms) > 3 {
		return 0, fmt.Errorf("want one cell of two equal arms, and perhaps a slower one")
	}
	arms := run.Cells[0].Arms
	if a, b := arms[0], arms[1]; a.Worker != b.Worker || a.Settings.Hash() != b.Settings.Hash() {
		return 0, fmt.Errorf("arms %s and %s are not the same", a.Name, b.Name)
	}
	if len(arms) == 2 {
		return 0, nil
	}
	plain := arms[2].Settings
	delay := plain.Delay
	plain.Delay = 0
	if arms[2].Worker != arms[0].Worker || plain.Hash() != arms[0].Settings.Hash() || !(delay > 0) {
		return 0, fmt.Errorf("arm %s differs from %s in more than a delay", arms[2].Name, arms[0].Name)
	}
	return delay, nil
}

// counts says whether somebody would believe a set. One that is contaminated is not
// believed, unless something ran beside it on purpose: what is asked then is what
// statements are worth that were made so, and the gate does not drop them either.
func counts(run record.Run, set record.CellVerdict) bool {
	return set.Status == record.OK || set.Status == record.Contaminated && run.Context.Beside != ""
}

// rate is of the sets that count.
func rate(run record.Run, sets []record.CellVerdict, seen func(record.CellVerdict) bool) Rate {
	var r Rate
	for _, s := range sets {
		if counts(run, s) {
			r.add(seen(s))
		}
	}
	r.bound()
	return r
}

// Alarming says why statements on this machine cannot be believed, or nil: they
// tell equal arms apart more often than their level allows.
func (c Calibration) Alarming() error {
	for _, m := range c.Metrics {
		if m.Rate.Of > 0 && m.Rate.Low > AlarmLevel {
			return fmt.Errorf("equal arms are told apart in %d of %d statements on %s, more than 1 %% allows; believe no verdict of this machine before you know why (bench doctor)",
				m.Rate.Seen, m.Rate.Of, m.Metric)
		}
	}
	return nil
}

func (r *Rate) add(seen bool) {
	r.Of++
	if seen {
		r.Seen++
	}
}

// join counts those of another rate, too; bound fills in the interval.
func (r *Rate) join(other Rate) {
	r.Seen += other.Seen
	r.Of += other.Of
}

// bound fills in the interval; of no trial it is everything.
func (r *Rate) bound() {
	r.Low, r.High = 0, 1
	if low, high, err := verdict.BinomialBounds(r.Seen, r.Of, confidence); err == nil {
		r.Low, r.High = low, high
	}
}

// says says whether a verdict on a variant has one of the outcomes.
func says(v record.CellVerdict, metric, variant string, outcomes ...string) bool {
	for _, k := range v.Comparisons {
		if k.Metric == metric && k.Variant == variant {
			return slices.Contains(outcomes, k.Outcome)
		}
	}
	return false
}

// scatterRestarts is how many restarts make one of the intervals from which the
// scatter is taken: a few dozen, more than which only take longer to judge.
func scatterRestarts(all int) int {
	const enough = 24
	return all / max(1, all/enough)
}

// scatters are those of every metric of a variant, pooled over verdicts.
func scatters(all []record.CellVerdict, variant string) map[string]verdict.Scatter {
	parts := map[string][]verdict.Scatter{}
	for _, v := range all {
		for _, k := range v.Comparisons {
			if k.Variant == variant && k.Low > 0 && !math.IsInf(k.High, 1) && k.Restarts >= verdict.MinRestarts {
				parts[k.Metric] = append(parts[k.Metric], verdict.ScatterOf(math.Log(k.Low), math.Log(k.High), k.Restarts, (1-k.Confidence)/2))
			}
		}
	}
	out := map[string]verdict.Scatter{}
	for metric, list := range parts {
		out[metric] = verdict.PoolScatter(list)
	}
	return out
}

// detectable are the effects that are found in Minutes, if a restart of both
// arms takes so many seconds.
func detectable(s verdict.Scatter, perRestart float64) []Effect {
	var out []Effect
	for _, m := range Minutes {
		e := Effect{Minutes: m, Restarts: int(60*m/perRestart + 1e-6)}
		if e.Restarts >= verdict.MinRestarts && s.Free > 0 {
			effect := math.Expm1(s.Detectable(e.Restarts, AlarmLevel/2))
			e.Effect = &effect
		}
		out = append(out, e)
	}
	return out
}

// judged is the verdict on every set of so many restarts, in the order of time.
// Restarts that fill no set are left out.
func (p parts) judged(run record.Run, restarts int) []record.CellVerdict {
	var out []record.CellVerdict
	for first := 0; first+restarts <= len(p.restarts); first += restarts {
		set := run
		set.Cells = []record.Cell{run.Cells[0]}
		plan := run.Cells[0].Plan
		plan.Restarts, plan.Looks, plan.Seconds = restarts, nil, 0
		set.Cells[0].Plan = plan
		out = append(out, judge.Judge(set, p.set(first, restarts), 0).Cells...)
	}
	return out
}
