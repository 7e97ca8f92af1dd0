package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lensbench/baseline/history"
	"lensbench/cli"
	"lensbench/judge"
	"lensbench/record"
)

// envHistory moves the directory of history.
const envHistory = "LENSBENCH_HISTORY"

func historyDir() string { return fromEnv(envHistory, "history") }

func newHistory() *cobra.Command {
	var dir, figures string
	var asJSON, strict bool
	c := &cobra.Command{
		Use:   "history",
		Short: "Show how metrics went from night to night, and where they moved",
		Long: `history shows every metric that is kept in a directory of history, its last night,
and the nights from which on its level is another. Noise alone shows at most one in 50
metrics over 100 nights. A change that is explained in acknowledged.yaml, kept in git beside it,
is shown with its explanation:

  - {name: amp model=resnet18, arm: bf16, metric: throughput, night: 2026-03-01, why: new kernel}

Exit status: 1 with --check if a change is not acknowledged.`,
		Example: "  bench history add latest\n  bench history --figures build/history",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			tracks, unused, err := tracksIn(history.Dir(dir))
			if err != nil {
				return err
			}
			if figures != "" {
				if err := writeFigures(figures, tracks); err != nil {
					return err
				}
			}
			if err := showHistory(c.OutOrStdout(), dir, tracks, asJSON); err != nil {
				return err
			}
			for _, a := range unused {
				fmt.Fprintf(c.ErrOrStderr(), "%s: no change of %s of %s in %s near %s; the entry may go\n", filepath.Join(dir, history.AcknowledgedFile), a.Metric, a.Arm, a.Name, a.Night)
			}
			if open := history.Open(tracks); strict && len(open) > 0 {
				return &status{exitRegressed, unacknowledged(open)}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&figures, "figures", "", "write an SVG figure of every metric into this `DIR`")
	f.BoolVar(&asJSON, "json", false, "print points and changes as JSON on standard output")
	f.BoolVar(&strict, "check", false, "exit with 1 if a change is not acknowledged")
	addHistory(c, &dir)
	c.AddCommand(newHistoryAdd())
	return c
}

func addHistory(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "dir", historyDir(), "`DIR` of the history")
}

func newHistoryAdd() *cobra.Command {
	var dir, runs string
	c := &cobra.Command{
		Use:   "add [RUN]",
		Short: "Add a run to the history, as one night",
		Long: `add appends a line for every comparison of a run, the latest if none is named. The
control is the anchor: nights are comparable as long as its build stays the same. A
run is added once.`,
		Example: "  bench history add latest",
		Args:    cli.Arguments(0, 1, "at most one run"),
		RunE: func(c *cobra.Command, args []string) error {
			run, err := findRun(runs, first(args))
			if err != nil {
				return err
			}
			points, err := pointsOf(run)
			if err != nil {
				return err
			}
			if err := history.Dir(dir).Append(points); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "added %d lines to %s\n", len(points), filepath.Join(dir, history.PointsFile))
			return err
		},
	}
	addHistory(c, &dir)
	addRuns(c, &runs)
	return c
}

func pointsOf(dir string) ([]history.Point, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	entries, dropped, err := record.ReadJournal(dir)
	if err != nil {
		return nil, err
	}
	v := judge.Judge(run, entries, dropped)
	if v.Interrupted {
		return nil, fmt.Errorf("%s: the run is not complete; go on with: bench run --resume %s", run.ID, run.ID)
	}
	points := history.Points(run, entries, v)
	if len(points) == 0 {
		return nil, fmt.Errorf("%s: no comparison of this run is worth keeping; see bench report %s", run.ID, run.ID)
	}
	return points, nil
}

func tracksIn(dir history.Dir) ([]history.Track, []history.Acknowledgement, error) {
	points, err := dir.Points()
	if err != nil {
		return nil, nil, err
	}
	acknowledged, err := dir.Acknowledged()
	if err != nil {
		return nil, nil, err
	}
	return history.Tracks(points, acknowledged)
}

var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9_.=-]+`)

func writeFigures(dir string, tracks []history.Track) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--figures %s: %w", dir, reason(err))
	}
	seen := map[string]int{}
	for _, t := range tracks {
		p := t.Points[0]
		name := notInFileNames.ReplaceAllString(fmt.Sprintf("%s-%s-%s", p.Name, p.Metric, p.Arm), "-")
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		if err := writeFile(filepath.Join(dir, name+".svg"), t.WriteSVG); err != nil {
			return err
		}
	}
	return nil
}

func showHistory(w io.Writer, dir string, tracks []history.Track, asJSON bool) error {
	if asJSON {
		if tracks == nil {
			tracks = []history.Track{}
		}
		return writeJSON(w, tracks)
	}
	if len(tracks) == 0 {
		_, err := fmt.Fprintf(w, "no history in %s; begin one with: bench history add\n", dir)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tmetric\tarm\tnights\tlast\tratio to anchor\t")
	for _, track := range tracks {
		p := track.Points[len(track.Points)-1]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%.4f [%.4f, %.4f]\n", p.Name, p.Metric, p.Arm, len(track.Points), p.Night.Format(time.DateOnly), p.Ratio, p.Low, p.High)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, track := range tracks {
		for _, c := range track.Changes {
			why := "not acknowledged"
			if c.Why != "" {
				why = c.Why
			}
			fmt.Fprintf(w, "%s: %s\n", changeText(c), why)
		}
	}
	return nil
}

// changeText is "amp: throughput of bf16 moved by -3.1 % on 2026-03-01 (1.052 to 1.019, p 0.0001, build abc)".
func changeText(c history.Change) string {
	return fmt.Sprintf("%s: %s of %s moved by %+.2g %% on %s (%.4f to %.4f, p %.2g, build %s)", c.Point.Name, c.Point.Metric, c.Point.Arm,
		100*(c.After/c.Before-1), c.Point.Night.Format(time.DateOnly), c.Before, c.After, c.P, c.Point.Build)
}

func unacknowledged(open []history.Change) error {
	var all []error
	for _, c := range open {
		all = append(all, fmt.Errorf("%s, which is not acknowledged", changeText(c)))
	}
	return errors.Join(all...)
}
