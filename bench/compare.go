package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lensbench/baseline"
	"lensbench/cli"
	"lensbench/record"
	"lensbench/report"
)

func newCompare() *cobra.Command {
	var runs, store string
	var asCSV, asJSON bool
	c := &cobra.Command{
		Use:   "compare A B…",
		Short: "Set results side by side, as benchstat does",
		Long: `compare sets B beside A: runs, baselines or .bench files, or one arm of each, as in
RUN:ARM. Where the two ran together, the run's own paired verdict stands below
the table. Numbers that were measured apart are shown with a warning.

Exit status: 1 if a paired verdict says that B is slower or needs more memory,
2 if the machines differ.`,
		Example: "  bench compare before-shim latest\n  bench compare latest:control latest:threads",
		Args:    cli.Arguments(2, 16, "two runs, baselines or .bench files, or more"),
		RunE: func(c *cobra.Command, args []string) error {
			places := baseline.Places{Runs: runs, Store: baseline.Store{Dir: store}}
			compared, err := compare(places, args)
			if err != nil {
				return err
			}
			if err := showComparison(c.OutOrStdout(), c.ErrOrStderr(), compared, asCSV, asJSON); err != nil {
				return err
			}
			return standing(compared)
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, "print the table as CSV, as benchstat does")
	c.Flags().BoolVar(&asJSON, "json", false, "print what is known beside the table as JSON")
	c.MarkFlagsMutuallyExclusive("csv", "json")
	addRuns(c, &runs)
	addStore(c, &store)
	return c
}

func compare(places baseline.Places, args []string) (*baseline.Comparison, error) {
	var operands []baseline.Operand
	for _, arg := range args {
		text, err := resolveLatest(places.Runs, arg)
		if err != nil {
			return nil, err
		}
		o, err := places.Open(text)
		if err != nil {
			return nil, err
		}
		o.Label = arg
		operands = append(operands, o)
	}
	return baseline.Compare(operands...)
}

// resolveLatest replaces the word latest, alone or before an arm.
func resolveLatest(runs, arg string) (string, error) {
	run, arm, _ := strings.Cut(arg, ":")
	if run != latest {
		return arg, nil
	}
	dir, err := findRun(runs, latest)
	if err != nil || arm == "" {
		return dir, err
	}
	return filepath.Base(dir) + ":" + arm, nil
}

func showComparison(stdout, stderr io.Writer, c *baseline.Comparison, asCSV, asJSON bool) error {
	switch {
	case asCSV:
		return c.Tables.WriteCSV(stdout, stderr)
	case asJSON:
		return writeJSON(stdout, standings(c))
	}
	return report.Comparison(stdout, c, report.OptionsFor(stdout))
}

// A standingListing is what is known about B beside A, as --json shows it.
type standingListing struct {
	A        string       `json:"a"`
	B        string       `json:"b"`
	Relation string       `json:"relation"`
	Machine  []string     `json:"machine,omitempty"`  // fields that differ
	Context  []string     `json:"context,omitempty"`  // worth a warning
	Settings []string     `json:"settings,omitempty"` // other work under one name
	Paired   []pairedCell `json:"paired,omitempty"`
	Unpaired string       `json:"unpaired,omitempty"` // why there is no paired verdict
}

type pairedCell struct {
	Scenario    string              `json:"scenario"`
	Point       map[string]string   `json:"point,omitempty"`
	Comparisons []record.Comparison `json:"comparisons"`
}

var relations = map[baseline.Relation]string{
	baseline.Together: "together", baseline.SameRun: "same-run", baseline.Apart: "apart",
	baseline.Unknown: "unknown", baseline.Incomparable: record.Incomparable,
}

func standings(c *baseline.Comparison) []standingListing {
	out := []standingListing{}
	for i, s := range c.Against {
		l := standingListing{A: c.Operands[0].Label, B: c.Operands[i+1].Label, Relation: relations[s.Relation],
			Machine: s.Machine, Context: s.Context, Settings: s.Settings, Unpaired: s.Unpaired}
		for _, p := range s.Paired {
			l.Paired = append(l.Paired, pairedCell{p.Cell.Scenario, p.Cell.Point, p.Comparisons})
		}
		out = append(out, l)
	}
	return out
}

// standing is the exit status of a comparison. Only what was measured together
// can say that something is slower.
func standing(c *baseline.Comparison) error {
	code := exitFine
	var why []error
	for i, s := range c.Against {
		a, b := c.Operands[0].Label, c.Operands[i+1].Label
		if s.Relation == baseline.Incomparable {
			code = exitInvalid
			why = append(why, fmt.Errorf("%s and %s: not comparable: the machines differ in %s", a, b, strings.Join(s.Machine, "; ")))
		}
		for _, p := range s.Paired {
			for _, k := range p.Comparisons {
				if k.Outcome == record.Slower || k.Outcome == record.More {
					code = max(code, exitRegressed)
					why = append(why, fmt.Errorf("%s: %s than %s in %s of %s", b, k.Outcome, a, k.Metric, p.Cell.Scenario))
				}
			}
		}
	}
	if code == exitFine {
		return nil
	}
	return &status{code, errors.Join(why...)}
}
