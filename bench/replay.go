package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lensbench/cli"
	"lensbench/replay"
)

func newReplay() *cobra.Command {
	var o replay.Options
	var runs string
	var asJSON bool
	c := &cobra.Command{
		Use:   "replay TRACE",
		Short: "Count what procedures of comparison see in recorded timings",
		Long: `replay runs this project's statistics, and benchstat's, over a recording: a trace,
*.csv or *.csv.gz, or a run. Arms that did the same work show false alarms, others
show detections; rates have exact 95 % intervals.

Exit status: 2 if this project's own statistics alarm on equal arms more often than
1 % allows.`,
		Example: "  bench replay trace.csv.gz\n  bench replay latest --restarts 12",
		Args:    cli.Arguments(1, 1, "one trace or run"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := validReplay(c.Flags(), o); err != nil {
				return err
			}
			rec, err := recording(runs, args[0])
			if err != nil {
				return err
			}
			result, err := replay.Run(rec, replay.Procedures(), o)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := showReplay(c.OutOrStdout(), result, asJSON); err != nil {
				return err
			}
			if err := result.Unfit(); err != nil {
				return &status{exitInvalid, err}
			}
			return nil
		},
	}
	f := c.Flags()
	f.IntVar(&o.Restarts, "restarts", 24, "`N` restarts in each set; at least 8")
	f.IntVar(&o.Blocks, "blocks", 0, "first `N` blocks of each restart (default 40, or all if there are fewer)")
	f.IntVar(&o.Draws, "draws", 200, "`N` sets drawn at random")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of the draws")
	f.BoolVar(&asJSON, "json", false, "print the rates as JSON on standard output")
	addRuns(c, &runs)
	return c
}

func validReplay(f *pflag.FlagSet, o replay.Options) error {
	for _, n := range []struct {
		flag               string
		value, least, most int
	}{{"restarts", o.Restarts, 8, 1000}, {"blocks", o.Blocks, 1, 10000}, {"draws", o.Draws, 1, 100000}} {
		if f.Changed(n.flag) && (n.value < n.least || n.value > n.most) {
			return fmt.Errorf("\"--%s %d\": out of range; want %d to %d", n.flag, n.value, n.least, n.most)
		}
	}
	return nil
}

// recording is a file, or else a run by its name.
func recording(runs, name string) (replay.Recording, error) {
	if _, err := os.Stat(name); err == nil {
		return replay.Read(name)
	}
	dir, err := findRun(runs, name)
	if err != nil {
		return replay.Recording{}, err
	}
	return replay.Read(dir)
}

func showReplay(w io.Writer, r replay.Result, asJSON bool) error {
	if asJSON {
		return writeJSON(w, r)
	}
	fmt.Fprintf(w, "Sets of %d restarts of %d blocks; rates with exact 95 %% intervals\n", r.Restarts, r.Blocks)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	pair := ""
	for _, rate := range r.Rates {
		if rate.Pair != pair {
			pair = rate.Pair
			seen := "found"
			if rate.Same {
				seen = "false alarms"
			}
			fmt.Fprintf(t, "\n%s\n  procedure\t%s in windows\tin draws\n", pair, seen)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", rate.Procedure, counted(rate.Windows), counted(rate.Draws))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, p := range replay.Procedures() {
		fmt.Fprintf(w, "%s: %s\n", p.Name, p.Does)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, note)
	}
	return nil
}

func counted(c replay.Count) string {
	return fmt.Sprintf("%d of %d (%.1f–%.1f %%)", c.Seen, c.Of, 100*c.Low, 100*c.High)
}
