package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/pflag"

	"lensbench/gate"
	"lensbench/record"
	"lensbench/report"
	"lensbench/runner"
)

// against is what compares builds, of bench run and of bench nightly.
type against struct {
	base   string  // revision or program; "" compares settings
	anchor string  // likewise, kept from night to night; "" for none
	delay  float64 // per cent, of the canary
}

func (a *against) flags(f *pflag.FlagSet) {
	f.StringVar(&a.base, "against", "", "compare lens with that of this `REVISION`, or with this program, instead of arms with each other")
	f.Float64Var(&a.delay, "delay", gate.DefaultDelay, "slowdown of the canary, in per cent `P`, 0.1 to 100; with --against")
}

func (a *against) valid(f *pflag.FlagSet) error {
	if math.IsNaN(a.delay) || a.delay < 0.1 || a.delay > 100 {
		return fmt.Errorf("\"--delay %v\": out of range; want 0.1 to 100", a.delay)
	}
	if f.Changed("delay") && a.base == "" {
		return fmt.Errorf("\"--delay %v\": is of the canary, which belongs to --against", a.delay)
	}
	return nil
}

// prepare makes the builds and the cells that compare them. A cell may have as many
// restarts as the gate gives it, unless the user has said how many there are to be.
func (a *against) prepare(ctx context.Context, opts *runner.Options, cells []record.Cell, fixed bool) error {
	opts.Cells, _ = a.cells(cells, opts.Progress.Note)
	if len(opts.Cells) == 0 {
		return errors.New("--against: nothing of these scenarios is work of lens whose builds could be compared")
	}
	comparisons := gate.Comparisons(opts.Cells)
	need := gate.FewestRestarts(comparisons)
	for i := range opts.Cells {
		p := &opts.Cells[i].Plan
		if p.Restarts < need && fixed {
			return fmt.Errorf("--restarts %d: no difference can be proven in %s of %s; want at least %d", p.Restarts,
				count(comparisons, "comparison"), count(len(opts.Cells), "cell"), need)
		}
		most := p.Restarts
		if !fixed {
			most = gate.Budget(p.Restarts, comparisons)
		}
		*p = gate.Sequential(*p, most)
	}
	opts.Settled = gate.Settled
	g, err := a.builds(ctx, *opts)
	if err != nil {
		return err
	}
	opts.Gate = g
	opts.Workers = withBuilds(opts.Workers, g)
	return nil
}

// cells are those that compare builds. What is left out is told.
func (a *against) cells(cells []record.Cell, note func(string)) ([]record.Cell, []string) {
	out, leftOut := gate.Cells(cells, gate.Options{Delay: a.delay, Anchor: a.anchor != ""})
	for _, text := range leftOut {
		note("left out: " + text)
	}
	return out, leftOut
}

func (a *against) builds(ctx context.Context, opts runner.Options) (*record.Gate, error) {
	b := &builds{sink: opts.Progress}
	head, err := b.own(ctx, opts.Workers)
	if err != nil {
		return nil, err
	}
	g := &record.Gate{Delay: a.delay, Builds: []record.Build{head}}
	for _, other := range []struct{ worker, given string }{{gate.BaseWorker, a.base}, {gate.AnchorWorker, a.anchor}} {
		if other.given == "" {
			continue
		}
		built, err := b.of(ctx, other.worker, other.given)
		if err != nil {
			return nil, err
		}
		g.Builds = append(g.Builds, built)
	}
	return g, b.fresh(ctx, g)
}

// measure makes the run that opts describe, and the replication of what it flags.
func measure(ctx context.Context, opts runner.Options) (dir string, v gate.Verdict, err error) {
	dir, err = runner.Start(ctx, opts)
	if err != nil {
		return dir, v, stopped(err)
	}
	v, err = confirm(ctx, dir, opts)
	return dir, v, err
}

// confirm judges the run in dir, which is complete, after it has measured again what
// was flagged, if that was not done before.
func confirm(ctx context.Context, dir string, opts runner.Options) (gate.Verdict, error) {
	first, err := gate.Read(dir)
	if err != nil {
		return gate.Verdict{}, err
	}
	v := gate.Judge(first, nil)
	ids := v.ToConfirm()
	if len(ids) == 0 {
		return v, nil
	}
	again, err := replicate(ctx, first, ids, opts)
	if err != nil {
		return v, stopped(err)
	}
	replication, err := gate.Read(again)
	if err != nil {
		return v, err
	}
	return gate.Judge(first, &replication), nil
}

// replicate measures the cells again, in fresh processes and another order, or goes on
// where that was stopped.
func replicate(ctx context.Context, first gate.Measured, ids []string, opts runner.Options) (dir string, err error) {
	if dir, err = replicationOf(opts.Runs, first.Run.ID); err != nil {
		return "", err
	}
	if dir != "" {
		err := runner.Resume(ctx, dir, opts)
		if errors.Is(err, runner.ErrComplete) {
			err = nil
		}
		return dir, err
	}
	opts.Progress.Note(fmt.Sprintf("%s flagged; measured again to be confirmed", count(len(ids), "cell")))
	g := *first.Run.Gate
	g.Replicates = first.Run.ID
	opts.Gate, opts.Cells = &g, gate.Only(first.Run.Cells, ids)
	for i := range opts.Cells { // asked once, of what was flagged: nothing ends early
		opts.Cells[i].Plan = gate.Fixed(opts.Cells[i].Plan)
	}
	if opts.Seed != 0 {
		opts.Seed++
	}
	return runner.Start(ctx, opts)
}

// replicationOf is the run that replicates another, "" if there is none.
func replicationOf(runs, id string) (string, error) {
	ids, err := runIDs(runs)
	if err != nil {
		return "", err
	}
	for _, other := range ids {
		dir, err := findRun(runs, other)
		if err != nil {
			return "", err
		}
		if run, err := record.ReadRun(dir); err == nil && run.Gate != nil && run.Gate.Replicates == id {
			return dir, nil
		}
	}
	return "", nil
}

// standingOf is the exit status of a gate.
func standingOf(v gate.Verdict, decisive bool) error {
	code := exitFine
	switch v.Outcome {
	case gate.Regressed:
		code = exitRegressed
	case gate.Invalid, gate.Flagged:
		code = exitInvalid
	case gate.Inconclusive:
		if decisive {
			code = exitUndecided
		}
	}
	if code == exitFine {
		return nil
	}
	if v.Outcome == gate.Flagged {
		return &status{code, fmt.Errorf("%s: what was flagged is not confirmed yet; go on with: bench run --resume %s", v.Run, v.Run)}
	}
	return &status{code, lines(v.Reasons)}
}

// finishGate shows a verdict on builds.
func (o *output) finishGate(dir string, v gate.Verdict, stdout io.Writer) error {
	if err := o.printGate(dir, v, stdout); err != nil {
		return err
	}
	return standingOf(v, o.decisive)
}

func (o *output) printGate(dir string, v gate.Verdict, stdout io.Writer) error {
	if o.json {
		return writeJSON(stdout, v)
	}
	if err := report.GateText(stdout, v, report.OptionsFor(stdout)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "\nKept in %s\n", dir)
	return err
}
