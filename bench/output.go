package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"lensbench/judge"
	"lensbench/record"
	"lensbench/report"
)

// An output says in which forms what a run found is shown.
type output struct {
	json     bool
	details  bool
	csv      string // file, "" for none
	results  string // Markdown file whose section is replaced, "" for none
	decisive bool   // inconclusive is an exit status of its own
}

func (o *output) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "print run and verdicts as JSON on standard output, instead of tables")
	f.BoolVar(&o.details, "details", false, "show tail latencies, cold costs and all operators as well")
	f.StringVar(&o.csv, "csv", "", "write the verdicts as CSV to this `FILE`, too")
	f.StringVar(&o.results, "results", "", "put the tables into this Markdown `FILE`, between its markers, too")
	f.BoolVar(&o.decisive, "decisive", false, "exit with 3 if a claim or a calibration stays inconclusive")
}

// writable finds out before anything is measured what could not be written
// afterwards.
func (o *output) writable() error {
	return errors.Join(checkWritable("--csv", o.csv), checkMarkdown("--results", o.results, report.RunBlock))
}

// judged makes the statements of the run in dir from its journal.
func judged(dir string) (record.Run, record.Verdicts, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return run, record.Verdicts{}, err
	}
	entries, dropped, err := record.ReadJournal(dir)
	if err != nil {
		return run, record.Verdicts{}, err
	}
	return run, judge.Judge(run, entries, dropped), nil
}

// finish judges the run that was just measured and shows it in every form that
// was asked for. The error is its exit status.
func (o *output) finish(dir string, stdout io.Writer) error {
	run, v, err := judged(dir)
	if err != nil {
		return err
	}
	if err := record.WriteVerdicts(dir, v); err != nil {
		return err
	}
	if err := o.print(dir, run, v, stdout); err != nil {
		return err
	}
	if o.csv != "" {
		if err := writeFile(o.csv, func(w io.Writer) error { return report.CSV(w, run, v) }); err != nil {
			return err
		}
	}
	if o.results != "" {
		if err := updateMarkdown(o.results, run, v, calibrated(report.Options{Details: o.details}, run.Machine)); err != nil {
			return err
		}
	}
	return outcome(run, v, o.decisive)
}

func (o *output) print(dir string, run record.Run, v record.Verdicts, stdout io.Writer) error {
	if o.json {
		return report.JSON(stdout, run, v)
	}
	opts := calibrated(report.OptionsFor(stdout), run.Machine)
	opts.Details = o.details
	if err := report.Text(stdout, run, v, opts); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "\nKept in %s\n", dir)
	return err
}

// updateMarkdown puts the tables between the markers of a Markdown file.
func updateMarkdown(path string, run record.Run, v record.Verdicts, opts report.Options) error {
	var b bytes.Buffer
	if err := report.Markdown(&b, run, v, opts); err != nil {
		return err
	}
	return report.UpdateFile(path, b.Bytes())
}

// checkMarkdown finds out early that a Markdown file cannot be updated.
func checkMarkdown(flag, path string, block report.Block) error {
	if path == "" {
		return nil
	}
	if err := checkWritable(flag, path); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s %s: %w", flag, path, reason(err))
	}
	if _, err := block.Splice(text, nil); err != nil {
		return fmt.Errorf("%s %s:%w", flag, path, err)
	}
	return nil
}

// checkWritable finds out early that a file cannot be written.
func checkWritable(flag, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s %s: not a regular file", flag, path)
	}
	return tryDir(filepath.Dir(path), flag+" "+path)
}

// checkDir makes a directory and finds out whether files can be written there.
func checkDir(flag, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("%s %s: %w", flag, dir, reason(err))
	}
	return tryDir(dir, flag+" "+dir)
}

func tryDir(dir, what string) error {
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("%s: cannot be written: %w", what, reason(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeFile writes a file whole or not at all.
func writeFile(path string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("%s: %w", path, reason(err))
	}
	defer os.Remove(f.Name()) // fails harmlessly once renamed
	if err := errors.Join(fill(f), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
