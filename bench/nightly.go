package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lensbench/baseline/history"
	"lensbench/cli"
	"lensbench/gate"
	"lensbench/record"
	"lensbench/report"
	"lensbench/runner"
)

// envSummary names the file that GitHub shows on the page of a run.
const envSummary = "GITHUB_STEP_SUMMARY"

// A nightlyCommand is one invocation of bench nightly.
type nightlyCommand struct {
	runCommand
	junit     string        // file, "" for none
	summary   string        // Markdown file, "" for none
	history   string        // directory
	newSeries bool          // of the history
	limit     time.Duration // per scenario, 0 for none
}

func newNightly(args []string) *cobra.Command {
	n := &nightlyCommand{runCommand: runCommand{args: args, wait: true}}
	c := &cobra.Command{
		Use:   "nightly [SCENARIO…]",
		Short: "Gate: did anything become slower since a revision?",
		Long: `nightly compares lens with that of a revision in everything that a suite has it do, as
bench run --against does, and says it in the forms that a CI wants. A metric regressed
if it is worse with p < 0.01, as one of all metrics of the night together, by more
than 1 % (bytes: 0.1 % and 1 MiB), and if a fresh run confirms it with p < 0.05. A night
whose canary is missed, or in which base is told apart from itself, is invalid. Each
piece of work may have 36 restarts; a look after 12, 16 or 24 that finds nothing ends it.

With --anchor, a build that stays the same from night to night runs, too, and the
ratios to it are added to the history; see bench history.

A night that was stopped or killed goes on with --resume, at its next block.

Exit status: 0 nothing regressed, 1 regressed, 2 invalid night or usage,
3 inconclusive where --decisive forbids it.`,
		Example: "  bench nightly --against HEAD~1\n" +
			"  bench nightly --against origin/main --anchor v1.0 --junit gate.xml --for 5m\n" +
			"  bench nightly --resume latest --junit gate.xml",
		RunE: func(c *cobra.Command, names []string) error {
			n.names = names
			if err := n.valid(c); err != nil {
				return err
			}
			return n.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
		ValidArgsFunction: completeScenarios,
	}
	f := c.Flags()
	f.StringArrayVar(&n.suites, "suite", nil, "the scenarios of this `SUITE` (default nightly, if no other scenarios are named)")
	f.StringArrayVar(&n.files, "file", nil, "the scenarios of this `FILE` or directory; may be repeated")
	n.versus.flags(f)
	f.StringVar(&n.versus.anchor, "anchor", "", "`REVISION` or program that stays the same from night to night, for the history")
	f.StringVar(&n.history, "history", historyDir(), "`DIR` of the history")
	f.BoolVar(&n.newSeries, "new-series", false, "begin a series of the history: for another machine, or another anchor")
	f.StringVar(&n.junit, "junit", "", "write JUnit XML to this `FILE`")
	f.StringVar(&n.summary, "summary", "", "write a summary in Markdown to this `FILE` (default: added to $"+envSummary+", if that is set)")
	f.DurationVar(&n.limit, "for", 0, "begin no further restarts of a scenario after this `TIME`, such as 5m")
	f.IntVar(&n.restarts, "restarts", 0, "at most `N` fresh processes of every arm instead of 36, or of what the scenario plans if that is more")
	f.IntVar(&n.blocks, "blocks", 0, "samples of every arm per restart, `N` instead of the scenario's")
	f.StringVar(&n.resume, "resume", "", "go on with this `NIGHT`, a run, at its next block")
	f.StringVar(&n.runs, "runs", runsDir(), "`DIR` that runs are written to")
	f.Uint64Var(&n.seed, "seed", 0, "seed of every random order (default: a new one)")
	f.BoolVar(&n.json, "json", false, "print the verdict as JSON on standard output")
	f.BoolVar(&n.decisive, "decisive", false, "exit with 3 if anything stays inconclusive")
	c.RegisterFlagCompletionFunc("suite", completeSuites)
	return c
}

// valid finds mistakes before anything is built or measured.
func (n *nightlyCommand) valid(c *cobra.Command) error {
	if n.limit < 0 || n.limit > 0 && n.limit < time.Second {
		return fmt.Errorf("\"--for %v\": out of range; want 1s or more", n.limit)
	}
	if n.resume != "" && (n.versus.anchor != "" || n.limit > 0) {
		return fmt.Errorf("\"--resume %s\": the night has its own builds and plan; leave --anchor and --for away", n.resume)
	}
	if err := n.runCommand.valid(c.Flags()); err != nil {
		return err
	}
	if n.resume == "" {
		if err := cli.Required(c, "against"); err != nil {
			return err
		}
	}
	if n.resume == "" && len(n.names)+len(n.suites)+len(n.files) == 0 {
		n.suites = []string{"nightly"}
	}
	return errors.Join(checkWritable("--junit", n.junit), checkWritable("--summary", n.summary))
}

func (n *nightlyCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	opts, err := n.options(stderr)
	if err != nil {
		return err
	}
	if n.resume != "" {
		return n.goOn(ctx, opts, stdout)
	}
	cells, err := n.cells()
	if err != nil {
		return err
	}
	if err := lensThere(cells, opts.Workers); err != nil {
		return err
	}
	if err := n.versus.prepare(ctx, &opts, cells, n.restarts > 0); err != nil {
		return err
	}
	n.limitTime(opts.Cells)
	if err := n.fits(ctx, opts); err != nil {
		return err
	}
	dir, v, err := measure(ctx, opts)
	if err != nil {
		return err
	}
	return n.finish(dir, v, opts, stdout)
}

// goOn resumes a night: its run, or the replication of what that has flagged.
func (n *nightlyCommand) goOn(ctx context.Context, opts runner.Options, stdout io.Writer) error {
	dir, err := findRun(n.runs, n.resume)
	if err != nil {
		return err
	}
	run, err := record.ReadRun(dir)
	if err != nil {
		return err
	}
	if run.Gate == nil {
		return fmt.Errorf("%q: is no night, but a run of settings; go on with: bench run --resume %s", n.resume, run.ID)
	}
	opts.Runs = filepath.Dir(dir)
	if first := run.Gate.Replicates; first != "" {
		dir = filepath.Join(opts.Runs, first)
	}
	if err := unchanged(run.Gate); err != nil {
		return err
	}
	opts.Workers, opts.Settled = withBuilds(opts.Workers, run.Gate), gate.Settled
	if err := runner.Resume(ctx, dir, opts); err != nil && !errors.Is(err, runner.ErrComplete) {
		return stopped(err)
	}
	v, err := confirm(ctx, dir, opts)
	if err != nil {
		return err
	}
	return n.finish(dir, v, opts, stdout)
}

// limitTime shares the time of a scenario out among its cells.
func (n *nightlyCommand) limitTime(cells []record.Cell) {
	of := map[string]int{}
	for _, c := range cells {
		of[c.Scenario]++
	}
	for i := range cells {
		cells[i].Plan.Seconds = n.limit.Seconds() / float64(of[cells[i].Scenario])
	}
}

// fits makes sure that the night can be added to the history afterwards.
func (n *nightlyCommand) fits(ctx context.Context, opts runner.Options) error {
	anchor, ok := opts.Gate.Build(gate.AnchorWorker)
	if !ok {
		return nil
	}
	if err := checkDir("--history", n.history); err != nil {
		return err
	}
	m, err := runner.Identity(ctx, opts.Workers[gate.HeadWorker])
	if err != nil {
		return err
	}
	return history.Dir(n.history).Fits(m, anchor.ID, time.Now(), n.newSeries)
}

// finish says in all forms what the night came to. The error is its exit status.
func (n *nightlyCommand) finish(dir string, v gate.Verdict, opts runner.Options, stdout io.Writer) error {
	first, err := gate.Read(dir)
	if err != nil {
		return err
	}
	if err := n.printGate(dir, v, stdout); err != nil {
		return err
	}
	if err := n.writeFiles(first.Run, v); err != nil {
		return &status{exitInvalid, err}
	}
	if err := n.remember(first, v, opts); err != nil {
		return &status{exitInvalid, err}
	}
	return standingOf(v, n.decisive)
}

func (n *nightlyCommand) writeFiles(run record.Run, v gate.Verdict) error {
	if n.junit != "" {
		if err := writeFile(n.junit, func(w io.Writer) error { return report.JUnit(w, run, v, n.decisive) }); err != nil {
			return err
		}
	}
	markdown := func(w io.Writer) error { return report.GateMarkdown(w, run, v) }
	if n.summary != "" {
		return writeFile(n.summary, markdown)
	}
	if path := os.Getenv(envSummary); path != "" {
		return appendFile(path, markdown)
	}
	return nil
}

// appendFile adds to a file, as GitHub wants its summaries.
func appendFile(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", path, reason(err))
	}
	return errors.Join(fill(f), f.Close())
}

// remember adds the night to the history: head beside the anchor. A night that cannot
// be believed is not kept, and one that is there already not added again.
func (n *nightlyCommand) remember(m gate.Measured, v gate.Verdict, opts runner.Options) error {
	note := opts.Progress.Note
	if _, ok := m.Run.Gate.Build(gate.AnchorWorker); !ok {
		return nil
	}
	path := filepath.Join(n.history, history.PointsFile)
	if v.Outcome == gate.Invalid {
		note(fmt.Sprintf("%s: the night is invalid and is not added", path))
		return nil
	}
	points := history.Points(m.Run, m.Entries, m.Against(gate.Anchor))
	err := history.Dir(n.history).Append(points)
	if errors.Is(err, history.ErrKnown) {
		note(fmt.Sprintf("%v; it is not added again", err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	note(fmt.Sprintf("%s added to %s", count(len(points), "line"), path))
	return nil
}
