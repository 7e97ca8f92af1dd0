package main

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/record"
	"lensbench/report"
)

// A form is how a report is written.
type form func(w io.Writer, run record.Run, v record.Verdicts, opts report.Options) error

func newReport() *cobra.Command {
	var runs, output string
	var asJSON, asCSV, asMarkdown, details bool
	c := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Show again what a run found",
		Long: `report makes the tables of a run again from its raw samples; of the latest run if
none is named. A run that was stopped, or still goes on, is shown as far as it came.`,
		Example: "  bench report\n  bench report 20260102T030405Z-a1b2c3 --csv --output quick.csv\n" +
			"  bench report --output RESULTS.md    # between the markers of that file",
		Args: cli.Arguments(0, 1, "at most one run"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := findRun(runs, first(args))
			if err != nil {
				return err
			}
			opts := report.Options{Details: details}
			if output != "" {
				return reportTo(output, dir, formOf(asJSON, asCSV, asMarkdown), opts)
			}
			opts = report.OptionsFor(c.OutOrStdout())
			opts.Details = details
			return reportOn(c.OutOrStdout(), dir, formOf(asJSON, asCSV, asMarkdown), opts)
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "as JSON")
	f.BoolVar(&asCSV, "csv", false, "as CSV")
	f.BoolVar(&asMarkdown, "markdown", false, "as Markdown")
	f.BoolVar(&details, "details", false, "show tail latencies, cold costs and all operators as well")
	f.StringVarP(&output, "output", "o", "", "write to this `FILE`; tables go between the markers of a .md file")
	addRuns(c, &runs)
	c.MarkFlagsMutuallyExclusive("json", "csv", "markdown")
	return c
}

// formOf returns the form that was asked for, nil for the one that suits where
// it goes.
func formOf(asJSON, asCSV, asMarkdown bool) form {
	switch {
	case asJSON:
		return func(w io.Writer, run record.Run, v record.Verdicts, _ report.Options) error {
			return report.JSON(w, run, v)
		}
	case asCSV:
		return func(w io.Writer, run record.Run, v record.Verdicts, _ report.Options) error {
			return report.CSV(w, run, v)
		}
	case asMarkdown:
		return report.Markdown
	}
	return nil
}

func reportOn(w io.Writer, dir string, as form, opts report.Options) error {
	run, v, err := judged(dir)
	if err != nil {
		return err
	}
	if as == nil {
		as = report.Text
	}
	return as(w, run, v, calibrated(opts, run.Machine))
}

// reportTo writes a file: tables between the markers of a Markdown file, any
// other form as the whole file.
func reportTo(path, dir string, as form, opts report.Options) error {
	if as == nil && filepath.Ext(path) == ".md" {
		if err := checkMarkdown("--output", path, report.RunBlock); err != nil {
			return err
		}
		run, v, err := judged(dir)
		if err != nil {
			return err
		}
		return updateMarkdown(path, run, v, calibrated(opts, run.Machine))
	}
	if err := checkWritable("--output", path); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := reportOn(&b, dir, as, opts); err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}
