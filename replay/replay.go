package replay

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"lensbench/verdict"
)

// Options say what sets of restarts procedures are asked about. The zero value
// is 24 restarts of 40 blocks.
type Options struct {
	Restarts int    // of a set; 0 means 24
	Blocks   int    // of each restart, the first ones; 0 means 40, or what the recording has if that is less
	Draws    int    // random sets; 0 means 200
	Seed     uint64 // of the draws; equal seeds draw equal sets
}

// A Count is how often a difference was seen.
type Count struct {
	Seen int     `json:"seen"`
	Of   int     `json:"of"`
	Low  float64 `json:"low"` // exact 95 % interval of the rate
	High float64 `json:"high"`
}

// A Rate is what a procedure saw in one pair of arms.
type Rate struct {
	Pair      string `json:"pair"`
	Same      bool   `json:"same"` // the arms did the same work
	Procedure string `json:"procedure"`
	Windows   Count  `json:"windows"` // consecutive restarts, each in one window
	Draws     Count  `json:"draws"`   // random sets
}

// A Result is what came of a replay.
type Result struct {
	Restarts int      `json:"restarts"`
	Blocks   int      `json:"blocks"`
	Rates    []Rate   `json:"rates"` // by pair, then procedure
	Notes    []string `json:"notes"`
}

// Run asks every procedure about every pair of a recording.
func Run(rec Recording, procedures []Procedure, o Options) (Result, error) {
	if o.Restarts == 0 {
		o.Restarts = 24
	}
	if o.Draws == 0 {
		o.Draws = 200
	}
	if o.Blocks == 0 {
		o.Blocks = min(40, mostBlocks(rec.Pairs))
	}
	if o.Restarts < verdict.MinRestarts || o.Blocks < 1 || o.Draws < 1 {
		return Result{}, fmt.Errorf("%d draws of %d restarts of %d blocks: want at least 1 draw of %d restarts of 1 block", o.Draws, o.Restarts, o.Blocks, verdict.MinRestarts)
	}
	out := Result{Restarts: o.Restarts, Blocks: o.Blocks, Notes: slices.Clone(rec.Notes)}
	for _, p := range rec.Pairs {
		whole, cut := p.complete(o.Blocks)
		if cut > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("%s: left out: restarts with fewer than %d blocks: %d", p.Name, o.Blocks, cut))
		}
		if len(whole.Control) < o.Restarts {
			out.Notes = append(out.Notes, fmt.Sprintf("%s: left out: %d restarts with %d blocks, and a set needs %d", p.Name, len(whole.Control), o.Blocks, o.Restarts))
			continue
		}
		for _, proc := range procedures {
			rate, err := whole.rate(proc, o)
			if err != nil {
				return out, fmt.Errorf("%s, %s: %w", p.Name, proc.Name, err)
			}
			out.Rates = append(out.Rates, rate)
		}
	}
	if len(out.Rates) == 0 {
		return out, fmt.Errorf("no pair of arms has %d restarts with %d blocks; ask for less with --restarts and --blocks", o.Restarts, o.Blocks)
	}
	return out, nil
}

func mostBlocks(pairs []Pair) (n int) {
	for _, p := range pairs {
		for _, row := range p.Control {
			n = max(n, len(row))
		}
	}
	return n
}

// complete cuts all restarts to so many blocks and counts those that have fewer.
func (p Pair) complete(blocks int) (whole Pair, cut int) {
	whole = Pair{Name: p.Name, Same: p.Same}
	for r := range p.Control {
		if len(p.Control[r]) < blocks {
			cut++
			continue
		}
		whole.Control = append(whole.Control, p.Control[r][:blocks])
		whole.Variant = append(whole.Variant, p.Variant[r][:blocks])
	}
	return whole, cut
}

func (p Pair) rate(proc Procedure, o Options) (Rate, error) {
	rate := Rate{Pair: p.Name, Same: p.Same, Procedure: proc.Name}
	for first := 0; first+o.Restarts <= len(p.Control); first += o.Restarts {
		seen, err := proc.Alarm(p.Control[first:first+o.Restarts], p.Variant[first:first+o.Restarts])
		if err != nil {
			return rate, err
		}
		rate.Windows.add(seen)
	}
	rng := p.rng(o.Seed)
	for range o.Draws {
		control, variant := p.draw(rng, o.Restarts)
		seen, err := proc.Alarm(control, variant)
		if err != nil {
			return rate, err
		}
		rate.Draws.add(seen)
	}
	for _, c := range []*Count{&rate.Windows, &rate.Draws} {
		var err error
		if c.Low, c.High, err = verdict.BinomialBounds(c.Seen, c.Of, 0.95); err != nil {
			return rate, err
		}
	}
	return rate, nil
}

func (c *Count) add(seen bool) {
	c.Of++
	if seen {
		c.Seen++
	}
}

// rng is the same for all procedures, so that they are asked about equal sets.
func (p Pair) rng(seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(p.Name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// draw takes restarts at random, each once, in their order of time.
func (p Pair) draw(rng *rand.Rand, restarts int) (control, variant [][]float64) {
	picks := rng.Perm(len(p.Control))[:restarts]
	slices.Sort(picks)
	for _, r := range picks {
		control, variant = append(control, p.Control[r]), append(variant, p.Variant[r])
	}
	return control, variant
}

// Unfit says why the project's procedures cannot be believed, or nil: one of
// them alarms on equal work more often than its level allows.
func (r Result) Unfit() error {
	for _, rate := range r.Rates {
		ours := rate.Procedure == Procedures()[0].Name || rate.Procedure == Procedures()[1].Name
		if ours && rate.Same && (rate.Draws.Low > alarmLevel || rate.Windows.Low > alarmLevel) {
			return fmt.Errorf("%s: %s sees a difference between equal arms in %d of %d windows and %d of %d draws, more than %v allows",
				rate.Pair, rate.Procedure, rate.Windows.Seen, rate.Windows.Of, rate.Draws.Seen, rate.Draws.Of, alarmLevel)
		}
	}
	return nil
}
