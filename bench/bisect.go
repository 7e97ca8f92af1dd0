package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/gate"
	"lensbench/record"
	"lensbench/revision"
	"lensbench/runner"
)

// A bisectCommand is one invocation of bench bisect.
type bisectCommand struct {
	runCommand
	stdout io.Writer

	builds    builds
	opts      runner.Options
	cells     []record.Cell // to measure, of settings
	wanted    []string      // IDs of the gate's cells in which bad is worse; nil: all
	good, bad record.Build
}

func newBisect(args []string) *cobra.Command {
	b := &bisectCommand{runCommand: runCommand{args: args, wait: true, versus: against{delay: gate.DefaultDelay}}}
	c := &cobra.Command{
		Use:   "bisect GOOD BAD SCENARIO…",
		Short: "Find the commit that made a scenario slower",
		Long: `bisect looks for the first commit after GOOD, up to BAD, that made lens slower in a
scenario, or take more memory. It halves the commits between: each is built and measured
beside GOOD and BAD, and is bad if it is worse than GOOD, good if BAD is worse than it.
What is neither is measured once more in twice as many restarts. Commits that do not
build, or stay undecided, are left out; of merges, what was merged counts as one.

Exit status: 0 the commit is found, 2 usage or a run that failed, 3 BAD is not found
worse than GOOD, or several commits are left.`,
		Example: "  bench bisect v1.0 HEAD calibration\n  bench bisect HEAD~20 HEAD amp --restarts 12",
		Args:    cli.Arguments(2, 18, "a good and a bad revision, and scenarios or --file"),
		RunE: func(c *cobra.Command, args []string) error {
			b.names = args[2:]
			if err := b.valid(c.Flags()); err != nil {
				return err
			}
			b.stdout = c.OutOrStdout()
			return b.run(c.Context(), args[0], args[1], c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringArrayVar(&b.files, "file", nil, "the scenarios of this `FILE` or directory; may be repeated")
	f.IntVar(&b.restarts, "restarts", 0, "fresh processes of every arm, `N` instead of the scenario's or of what is needed")
	f.IntVar(&b.blocks, "blocks", 0, "samples of every arm per restart, `N` instead of the scenario's")
	f.StringVar(&b.runs, "runs", runsDir(), "`DIR` that runs are written to")
	f.Uint64Var(&b.seed, "seed", 0, "seed of every random order (default: a new one)")
	return c
}

func (b *bisectCommand) run(ctx context.Context, good, bad string, stderr io.Writer) (err error) {
	if b.cells, err = b.runCommand.cells(); err != nil {
		return err
	}
	if b.opts, err = b.options(stderr); err != nil {
		return err
	}
	b.builds.sink = b.opts.Progress
	commits, err := b.between(ctx, good, bad)
	if err != nil {
		return err
	}
	if err := b.ends(ctx, good, bad); err != nil {
		return err
	}
	b.say("%s to test, in about %d steps", count(len(commits)-1, "commit"), bits.Len(uint(len(commits)-1)))
	left, err := revision.Search{Commits: commits, Test: b.test}.Run(ctx)
	if err != nil {
		return stopped(err)
	}
	if len(left) == 1 {
		b.say("first bad commit: %s %s", left[0].Hash, left[0].Subject)
		return nil
	}
	b.say("the first bad commit is one of these, of which all but the last could not be tested:")
	for _, c := range left {
		b.say("  %s %s", c.Hash, c.Subject)
	}
	return &status{exitUndecided, fmt.Errorf("%s..%s: %d commits are left", good, bad, len(left))}
}

func (b *bisectCommand) say(format string, args ...any) { fmt.Fprintf(b.stdout, format+"\n", args...) }

func (b *bisectCommand) between(ctx context.Context, good, bad string) ([]revision.Commit, error) {
	repo, err := b.builds.repository(ctx)
	if err != nil {
		return nil, err
	}
	first, err := repo.Commit(ctx, good)
	if err != nil {
		return nil, err
	}
	last, err := repo.Commit(ctx, bad)
	if err != nil {
		return nil, err
	}
	return repo.Between(ctx, first, last)
}

// ends builds good and bad, and makes sure that there is something to look for.
func (b *bisectCommand) ends(ctx context.Context, good, bad string) (err error) {
	if b.good, err = b.build(ctx, gate.GoodArm, good); err != nil {
		return err
	}
	if b.bad, err = b.build(ctx, gate.BadArm, bad); err != nil {
		return err
	}
	for _, end := range []record.Build{b.good, b.bad} {
		b.say("%-4s  %s  %s", end.Worker[len(gate.WorkerOf("")):], end.Commit[:12], end.Subject)
	}
	if b.good.ID == b.bad.ID {
		return &status{exitUndecided, fmt.Errorf("%s and %s are the same program, build %s: nothing between them has changed lens", good, bad, b.good.ID)}
	}
	m, err := b.measure(ctx, 1, b.good, b.bad)
	if err != nil {
		return stopped(err)
	}
	worse, why := m.WorseThan(gate.GoodArm, gate.BadArm)
	if len(worse) == 0 {
		if why == "" {
			why = "it is not found worse in any metric; measure more: --restarts, --blocks"
		}
		return &status{exitUndecided, fmt.Errorf("%s against %s: %s (run %s)", bad, good, why, m.Run.ID)}
	}
	for _, w := range worse {
		b.say("bad is worse: %s", w)
		b.wanted = append(b.wanted, w.Cell)
	}
	return nil
}

// build makes the lens of a revision for an arm.
func (b *bisectCommand) build(ctx context.Context, arm, rev string) (record.Build, error) {
	builder, err := b.builds.builder(ctx)
	if err != nil {
		return record.Build{}, err
	}
	out, err := builder.Build(ctx, rev)
	if err != nil {
		return out, err
	}
	out.Worker = gate.WorkerOf(arm)
	return out, greet(ctx, &out)
}

// test places a commit. What cannot be built is skipped, and so is what stays
// undecided.
func (b *bisectCommand) test(ctx context.Context, c revision.Commit) (revision.Answer, error) {
	built, err := b.build(ctx, gate.CandidateArm, c.Hash)
	var failed *revision.BuildError
	switch {
	case errors.As(err, &failed):
		return b.answer(revision.Skip, c, "it does not build, see "+failed.Log), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return b.answer(revision.Skip, c, err.Error()), nil
	case built.ID == b.good.ID:
		return b.answer(revision.Good, c, "it is the same program as good"), nil
	case built.ID == b.bad.ID:
		return b.answer(revision.Bad, c, "it is the same program as bad"), nil
	}
	var place gate.Place
	for _, times := range []int{1, 2} {
		m, err := b.measure(ctx, times, b.good, built, b.bad)
		if err != nil {
			return "", err
		}
		if place = m.Place(); place.Decided {
			break
		}
	}
	switch {
	case !place.Decided:
		return b.answer(revision.Skip, c, "undecided: "+place.Why), nil
	case place.Bad:
		return b.answer(revision.Bad, c, place.Why), nil
	}
	return b.answer(revision.Good, c, place.Why), nil
}

func (b *bisectCommand) answer(a revision.Answer, c revision.Commit, why string) revision.Answer {
	b.say("%-4s  %s  %s: %s", a, c.Short(), c.Subject, why)
	return a
}

// measure runs builds side by side, in so many times the restarts that are planned.
func (b *bisectCommand) measure(ctx context.Context, times int, all ...record.Build) (gate.Measured, error) {
	var arms []string
	for _, one := range all {
		arms = append(arms, one.Worker[len(gate.WorkerOf("")):])
	}
	opts := b.opts
	opts.Cells = gate.Beside(b.cells, arms...)
	if b.wanted != nil {
		opts.Cells = gate.Only(opts.Cells, b.wanted)
	}
	if len(opts.Cells) == 0 {
		return gate.Measured{}, errors.New("nothing of these scenarios is work of lens whose builds could be compared")
	}
	need := gate.FewestRestarts(gate.Comparisons(opts.Cells))
	for i := range opts.Cells {
		p := &opts.Cells[i].Plan
		p.Restarts = times * max(p.Restarts, need)
	}
	opts.Gate = &record.Gate{Builds: all}
	opts.Workers = withBuilds(opts.Workers, opts.Gate)
	dir, err := runner.Start(ctx, opts)
	if err != nil {
		return gate.Measured{}, err
	}
	return gate.Read(dir)
}
