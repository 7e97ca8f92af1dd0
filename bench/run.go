package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lensbench/cli"
	"lensbench/gate"
	"lensbench/record"
	"lensbench/runner"
	"lensbench/runner/progress"
)

// A runCommand is one invocation of bench run.
type runCommand struct {
	selection
	output
	versus against
	runs   string // directory of runs
	resume string // run to go on with
	seed   uint64
	wait   bool
	noWait bool
	dryRun bool
	args   []string // of the command line, for the record
}

func newRunCommand(args []string) *cobra.Command {
	r := &runCommand{args: args}
	c := &cobra.Command{
		Use:   "run [SCENARIO…]",
		Short: "Measure scenarios and say what was found",
		Long: `run measures scenarios, their arms side by side, and prints a table of verdicts.
Raw samples go to a directory of the run; a run that was stopped or killed goes on
with --resume. Two runs never share a machine: the second waits.

With --against, all that the scenarios have lens do is done by two builds of it side
by side, this one and that of a revision, which is built if need be. Beside them run
the old one once more, and this one with a slowdown planted in it, the canary: if the
former are told apart, or the canary is not, the run is invalid. What is slower, or
needs more memory, is measured once more to be confirmed.

Exit status of --against: 0 nothing regressed, 1 regressed, 2 invalid run or usage,
3 inconclusive where --decisive forbids it.`,
		Example: "  bench run ensemble-parallel\n" +
			"  bench run --suite quick --csv quick.csv\n" +
			"  bench run calibration --against HEAD~1\n" +
			"  bench run --resume 20260102T030405Z-a1b2c3",
		RunE: func(c *cobra.Command, names []string) error {
			r.names = names
			if err := r.valid(c.Flags()); err != nil {
				return err
			}
			return r.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
		ValidArgsFunction: completeScenarios,
	}
	f := c.Flags()
	f.StringArrayVar(&r.suites, "suite", nil, "run the scenarios of this `SUITE`: quick, nightly, full or peer")
	f.StringArrayVar(&r.files, "file", nil, "run the scenarios of this `FILE` or directory; may be repeated")
	f.StringVar(&r.resume, "resume", "", "go on with this `RUN` at its next block")
	f.StringVar(&r.runs, "runs", runsDir(), "`DIR` that runs are written to")
	f.IntVar(&r.restarts, "restarts", 0, "fresh processes of every arm, `N` instead of the scenario's; a verdict needs 8")
	f.IntVar(&r.blocks, "blocks", 0, "samples of every arm per restart, `N` instead of the scenario's")
	f.BoolVar(&r.sequential, "sequential", false, "stop measuring an arm at the first look, after 8, 12, 16, 24 or 36 restarts, that decides it; --restarts is then the most")
	f.Uint64Var(&r.seed, "seed", 0, "seed of every random order (default: a new one)")
	f.BoolVar(&r.wait, "wait", true, "wait while another run uses this machine")
	f.BoolVar(&r.noWait, "no-wait", false, "end at once if another run uses this machine")
	f.BoolVar(&r.dryRun, "dry-run", false, "show what would run, and measure nothing")
	r.versus.flags(f)
	r.output.flags(f)
	c.MarkFlagsMutuallyExclusive("wait", "no-wait")
	c.RegisterFlagCompletionFunc("suite", completeSuites)
	return c
}

func (r *runCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	if r.resume != "" {
		return r.goOn(ctx, stdout, stderr)
	}
	cells, err := r.cells()
	if err != nil {
		return err
	}
	if r.dryRun && r.versus.base != "" {
		cells, _ = r.versus.cells(cells, sink(stderr).Note)
	}
	if r.dryRun {
		return r.show(stdout, cells)
	}
	if err := r.output.writable(); err != nil {
		return err
	}
	opts, err := r.options(stderr)
	if err != nil {
		return err
	}
	if err := lensThere(cells, opts.Workers); err != nil {
		return err
	}
	if r.versus.base != "" {
		return r.compare(ctx, opts, cells, stdout)
	}
	opts.Cells = cells
	dir, err := runner.Start(ctx, opts)
	if err != nil {
		return stopped(err)
	}
	return r.output.finish(dir, stdout)
}

// compare measures builds.
func (r *runCommand) compare(ctx context.Context, opts runner.Options, cells []record.Cell, stdout io.Writer) error {
	if err := r.versus.prepare(ctx, &opts, cells, r.restarts > 0); err != nil {
		return err
	}
	dir, v, err := measure(ctx, opts)
	if err != nil {
		return err
	}
	return r.output.finishGate(dir, v, stdout)
}

// goOn resumes a run; one that is complete is reported again.
func (r *runCommand) goOn(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := findRun(r.runs, r.resume)
	if err != nil {
		return err
	}
	if err := r.output.writable(); err != nil {
		return err
	}
	opts, err := r.options(stderr)
	if err != nil {
		return err
	}
	run, err := record.ReadRun(dir)
	if err != nil {
		return err
	}
	if run.Gate != nil {
		if err := unchanged(run.Gate); err != nil {
			return err
		}
		opts.Workers, opts.Settled = withBuilds(opts.Workers, run.Gate), gate.Settled
	}
	err = runner.Resume(ctx, dir, opts)
	if err != nil && !errors.Is(err, runner.ErrComplete) {
		return stopped(err)
	}
	if run.Gate != nil {
		return r.finishResumed(ctx, dir, run, opts, stdout)
	}
	return r.output.finish(dir, stdout)
}

// finishResumed goes on with the replication, too, and shows both. Of a replication,
// the run that it replicates is shown.
func (r *runCommand) finishResumed(ctx context.Context, dir string, run record.Run, opts runner.Options, stdout io.Writer) error {
	opts.Runs = filepath.Dir(dir)
	if first := run.Gate.Replicates; first != "" {
		dir = filepath.Join(opts.Runs, first)
	}
	v, err := confirm(ctx, dir, opts)
	if err != nil {
		return err
	}
	return r.output.finishGate(dir, v, stdout)
}

// valid finds flags that are out of range or contradict each other, before
// anything is done.
func (r *runCommand) valid(f *pflag.FlagSet) error {
	for _, n := range []struct {
		flag        string
		value, most int
	}{{"restarts", r.restarts, 1000}, {"blocks", r.blocks, 10000}} {
		if f.Changed(n.flag) && (n.value < 1 || n.value > n.most) {
			return fmt.Errorf("\"--%s %d\": out of range; want 1 to %d", n.flag, n.value, n.most)
		}
	}
	if err := r.versus.valid(f); err != nil {
		return err
	}
	if r.versus.base != "" && (r.sequential || r.csv != "" || r.results != "") {
		return fmt.Errorf("\"--against %s\": goes with neither --sequential, --csv nor --results; --json has all numbers", r.versus.base)
	}
	chosen := len(r.names) + len(r.suites) + len(r.files) + r.restarts + r.blocks
	if r.resume != "" && (chosen > 0 || r.sequential || r.seed != 0 || r.dryRun || r.versus.base != "") {
		return fmt.Errorf("\"--resume %s\": the run has its own scenarios, restarts, blocks and seed; leave those away", r.resume)
	}
	return nil
}

func (r *runCommand) options(stderr io.Writer) (runner.Options, error) {
	commands, err := workers()
	if err != nil {
		return runner.Options{}, err
	}
	cache, err := cli.CacheDir()
	if err != nil {
		return runner.Options{}, err
	}
	return runner.Options{
		Runs:     r.runs,
		Command:  append([]string{"bench"}, r.args...),
		Seed:     r.seed,
		Workers:  commands,
		Cache:    cache,
		Progress: sink(stderr),
		Wait:     r.wait && !r.noWait,
	}, nil
}

// sink shows progress on standard error: a line that is drawn over on a
// terminal, plain lines in a log.
func sink(stderr io.Writer) progress.Sink {
	if f, ok := stderr.(*os.File); ok {
		return progress.For(f)
	}
	return &progress.Lines{W: stderr}
}

// stopped gives the errors of a run their exit status.
func stopped(err error) error {
	var kept *runner.Interrupted
	if errors.Is(err, context.Canceled) && !errors.As(err, &kept) {
		err = errors.New("interrupted before anything was measured")
	}
	return &status{exitInvalid, err}
}

// measured are the metrics of a cell, and what else is looked at.
func measured(c record.Cell) []string {
	if c.Profile {
		return append(slices.Clone(c.Measure), "time by operator")
	}
	return c.Measure
}

// show prints what would be measured.
func (r *runCommand) show(w io.Writer, cells []record.Cell) error {
	if r.json {
		return writeJSON(w, cells)
	}
	for _, c := range cells {
		fmt.Fprintf(w, "%s: measures %s\n", c.Scenario, strings.Join(measured(c), ", "))
		if err := listCell(w, c); err != nil {
			return err
		}
	}
	return nil
}
