package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"lensbench/estimate"
	"lensbench/record"
	"lensbench/runner"
	"lensbench/runner/progress"
	"lensbench/scenarios"
)

// A plannedScenario is a scenario of a suite with the time that it will take.
type plannedScenario struct {
	Name  string `json:"name"`
	Cells int    `json:"cells"`
	estimate.Estimate
}

// planned estimates the scenarios of a suite from the runs of this machine.
func planned(ctx context.Context, stderr io.Writer, suite, runs string) ([]plannedScenario, error) {
	all, err := scenarios.Embedded()
	if err != nil {
		return nil, err
	}
	members, err := scenarios.InSuite(all, suite)
	if err != nil {
		return nil, err
	}
	past, err := pastRuns(ctx, stderr, runs)
	if err != nil {
		return nil, err
	}
	var out []plannedScenario
	for _, s := range members {
		cells := scenarios.Expand(s)
		out = append(out, plannedScenario{s.Name, len(cells), estimate.Of(s.Name, cells, past)})
	}
	return out, nil
}

// pastRuns are those of this machine, the oldest first.
func pastRuns(ctx context.Context, stderr io.Writer, runs string) ([]estimate.Past, error) {
	kept, err := readRuns(runs, stderr)
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	commands, err := workers()
	if err != nil {
		return nil, err
	}
	here, err := runner.Identity(ctx, commands["lens"])
	if err != nil {
		return nil, err
	}
	var out []estimate.Past
	for _, k := range kept {
		if !isMachine(k.run.Machine, here) {
			continue
		}
		entries, _, err := record.ReadJournal(k.dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(k.dir), err)
		}
		out = append(out, estimate.Past{Run: k.run, Entries: entries})
	}
	return out, nil
}

// listSuite shows the time of each scenario, what it comes from, and the sum.
func listSuite(w io.Writer, suite string, all []plannedScenario) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tcells\ttime\tfrom")
	sum := 0.0
	for _, s := range all {
		sum += s.Seconds
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", s.Name, s.Cells, progress.Duration(s.Seconds), sourceWords(s.Estimate))
	}
	limit := ""
	if most, ok := scenarios.SuiteLimit(suite); ok {
		limit = "of at most " + progress.Duration(most.Seconds())
	}
	fmt.Fprintf(t, "%s\t\t%s\t%s\n", count(len(all), "scenario"), progress.Duration(sum), limit)
	return t.Flush()
}

func sourceWords(e estimate.Estimate) string {
	switch e.Source {
	case estimate.Measured:
		return "run " + e.Run + " on this machine"
	case estimate.Usual:
		return "a machine with two cores"
	case estimate.Reckoned:
		return "reckoned, for two cores"
	}
	return "a guess from its plan; at least that"
}
