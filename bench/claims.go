package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lensbench/baseline"
	"lensbench/calibration"
	"lensbench/claims"
	"lensbench/nearest"
	"lensbench/record"
	"lensbench/report"
	"lensbench/runner"
	"lensbench/scenarios"
)

// A claimsCommand is bench claims with its flags.
type claimsCommand struct {
	args    []string // that make the table again
	files   []string // scenario files or directories, instead of the built-in ones
	runs    string
	store   string // of baselines, which are runs as well
	machine string // thisMachine, anyMachine, or an ID
	format  string // one of claimFormats; "" for what suits the output
	output  string // file, "" for standard output
	results string // Markdown file whose section is replaced, "" for none
}

const (
	thisMachine = "this"
	anyMachine  = "any"
)

// claimFormats are the ways to write the table.
var claimFormats = []string{"text", "markdown", "csv", "json"}

func newClaims(args []string) *cobra.Command {
	k := &claimsCommand{args: args}
	c := &cobra.Command{
		Use:   "claims",
		Short: "Set every claim beside what was found here",
		Long: `claims shows one line per promise: what was claimed, what the newest run on this
machine measured, whether the outputs were right, and the verdict with its reason,
its run and the command that repeats it. Promises that nothing tests are shown, too.

Runs that are kept as baselines count like those in the directory of runs; so a
project can publish what its tables rest on. Calibrations that were kept with them say
below the table how often verdicts err. Runs of other machines are left out
unless --machine says otherwise.`,
		Example: "  bench claims\n" +
			"  bench claims --results RESULTS.md    # between the claims markers of that file\n" +
			"  bench claims --machine any --format csv --output claims.csv",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%q: claims takes no arguments; the scenarios of a file are shown with: --file %s", args[0], args[0])
			}
			return k.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringArrayVar(&k.files, "file", nil, "show the scenarios of this `FILE` or directory instead; may be repeated")
	f.StringVar(&k.machine, "machine", thisMachine, "whose runs count: this, any, or the `ID` of a machine")
	f.StringVar(&k.format, "format", "", "text, markdown, csv or json (default: text, or as the output's name ends)")
	f.StringVarP(&k.output, "output", "o", "", "write to this `FILE`; the table goes between the markers of a .md file")
	f.StringVar(&k.results, "results", "", "put the table into this Markdown `FILE`, between its markers, too")
	addRuns(c, &k.runs)
	addStore(c, &k.store)
	c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(claimFormats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (k *claimsCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := k.valid(); err != nil {
		return err
	}
	page, err := k.page(ctx, stderr)
	if err != nil {
		return err
	}
	if k.results != "" {
		if err := updateClaims(k.results, page); err != nil {
			return err
		}
	}
	switch form := k.form(); {
	case k.output == "":
		return writeClaims(stdout, page, form)
	case form == "markdown" && filepath.Ext(k.output) == ".md":
		return updateClaims(k.output, page)
	default:
		return writeFile(k.output, func(w io.Writer) error { return writeClaims(w, page, form) })
	}
}

// valid finds flags that cannot be before anything is read.
func (k *claimsCommand) valid() error {
	if k.format != "" && !slices.Contains(claimFormats, k.format) {
		return fmt.Errorf("\"--format %s\": no such format; want one of %s%s", k.format, strings.Join(claimFormats, ", "), meant(k.format, claimFormats))
	}
	err := checkMarkdown("--results", k.results, report.ClaimsBlock)
	if filepath.Ext(k.output) == ".md" && k.form() == "markdown" {
		return errors.Join(err, checkMarkdown("--output", k.output, report.ClaimsBlock))
	}
	return errors.Join(err, checkWritable("--output", k.output))
}

// meant is the end of a message about a word that is none of the names.
func meant(word string, names []string) string {
	if near := nearest.Name(word, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// form is how the table is written.
func (k *claimsCommand) form() string {
	byName := map[string]string{".md": "markdown", ".csv": "csv", ".json": "json"}
	switch form := byName[filepath.Ext(k.output)]; {
	case k.format != "":
		return k.format
	case form != "":
		return form
	}
	return "text"
}

func writeClaims(w io.Writer, page report.ClaimPage, form string) error {
	switch form {
	case "markdown":
		return report.ClaimMarkdown(w, page)
	case "csv":
		return report.ClaimCSV(w, page)
	case "json":
		return report.ClaimJSON(w, page)
	}
	return report.ClaimText(w, page, report.OptionsFor(w))
}

// updateClaims puts the table between the claims markers of a Markdown file.
func updateClaims(path string, page report.ClaimPage) error {
	var b bytes.Buffer
	if err := report.ClaimMarkdown(&b, page); err != nil {
		return err
	}
	return report.ClaimsBlock.UpdateFile(path, b.Bytes())
}

func (k *claimsCommand) page(ctx context.Context, stderr io.Writer) (report.ClaimPage, error) {
	all, err := k.scenarios()
	if err != nil {
		return report.ClaimPage{}, err
	}
	runs, err := k.kept(stderr)
	if err != nil {
		return report.ClaimPage{}, err
	}
	page := report.ClaimPage{Runs: k.runs, Command: strings.Join(append([]string{"bench"}, k.args...), " ")}
	chosen := runs
	if k.machine != anyMachine {
		m, err := k.wanted(ctx, runs)
		if err != nil {
			return page, err
		}
		page.Machine = &m
		chosen = slices.DeleteFunc(slices.Clone(runs), func(r keptRun) bool { return !isMachine(r.run.Machine, m) })
	}
	page.LeftOut = len(runs) - len(chosen)
	results, err := verdictsOf(chosen)
	if err != nil {
		return page, err
	}
	page.Lines = claims.Collect(all, results)
	page.Calibrations = k.calibrations(page.Machine, stderr)
	return page, nil
}

// calibrations are those that are published of the machine, or of all without one. A
// file that cannot be read is named and left out.
func (k *claimsCommand) calibrations(m *record.Machine, stderr io.Writer) []calibration.Machine {
	all, err := calibration.Published(k.store)
	if err != nil {
		fmt.Fprintf(stderr, "%v; its calibrations are left out\n", err)
	}
	return slices.DeleteFunc(all, func(c calibration.Machine) bool { return m != nil && !isMachine(c.Machine, *m) })
}

// scenarios are those of the files, or the built-in ones, with the words that
// find and run them.
func (k *claimsCommand) scenarios() ([]claims.Scenario, error) {
	all, err := load(k.files)
	var out []claims.Scenario
	for _, s := range all {
		out = append(out, named(s, len(k.files) == 0))
	}
	return out, err
}

func named(s scenarios.Scenario, builtIn bool) claims.Scenario {
	if builtIn {
		return claims.Scenario{Scenario: s, File: "scenarios/" + s.File, Command: "bench run " + s.Name}
	}
	return claims.Scenario{Scenario: s, File: s.File, Command: "bench run --file " + s.File}
}

// A keptRun is a run in its directory.
type keptRun struct {
	dir string
	run record.Run
}

// kept are the runs, and the baselines that are not among them.
func (k *claimsCommand) kept(stderr io.Writer) ([]keptRun, error) {
	runs, err := readRuns(k.runs, stderr)
	if err != nil {
		return nil, err
	}
	saved, err := baseline.Store{Dir: k.store}.List()
	if err != nil {
		fmt.Fprintf(stderr, "%v; the baseline is left out\n", err)
	}
	for _, s := range saved {
		if !slices.ContainsFunc(runs, func(r keptRun) bool { return r.run.ID == s.Run.ID }) {
			runs = append(runs, keptRun{s.Dir, s.Run})
		}
	}
	return runs, nil
}

// readRuns reads the plans of all runs. One that cannot be read is named and
// left out, so that a damaged directory does not hide the others.
func readRuns(runs string, stderr io.Writer) ([]keptRun, error) {
	ids, err := runIDs(runs)
	var out []keptRun
	for _, id := range ids {
		dir := filepath.Join(runs, id)
		run, err := record.ReadRun(dir)
		if err != nil {
			fmt.Fprintf(stderr, "%v; the run is left out\n", err)
			continue
		}
		out = append(out, keptRun{dir, run})
	}
	return out, err
}

// wanted is the machine that --machine names.
func (k *claimsCommand) wanted(ctx context.Context, runs []keptRun) (record.Machine, error) {
	if k.machine == thisMachine {
		commands, err := workers()
		if err != nil {
			return record.Machine{}, err
		}
		return runner.Identity(ctx, commands["lens"])
	}
	names := []string{thisMachine, anyMachine}
	for _, r := range runs {
		id := r.run.Machine.ID()
		if id == k.machine {
			return r.run.Machine, nil
		}
		if !slices.Contains(names, id) {
			names = append(names, id)
		}
	}
	return record.Machine{}, fmt.Errorf("\"--machine %s\": no run in %s is of it; want one of %s%s",
		k.machine, k.runs, strings.Join(names, ", "), meant(k.machine, names))
}

// isMachine compares identities. The version of libtorch is that of a worker,
// and unknown where lens is not built.
func isMachine(m, wanted record.Machine) bool {
	if wanted.Libtorch == "" {
		m.Libtorch = ""
	}
	return m == wanted
}

// verdictsOf reads the verdicts of those runs that decide a claim. A run that
// was cut short has none yet: they are made from its journal.
func verdictsOf(runs []keptRun) ([]claims.Result, error) {
	var out []claims.Result
	for _, r := range runs {
		if !slices.ContainsFunc(r.run.Cells, func(c record.Cell) bool { return c.Decides != "" }) {
			continue
		}
		v, err := record.ReadVerdicts(r.dir)
		if errors.Is(err, fs.ErrNotExist) {
			_, v, err = judged(r.dir)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, claims.Result{Run: r.run, Verdicts: v})
	}
	return out, nil
}
