package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/scenarios"
)

func newList() *cobra.Command {
	var asJSON bool
	var files []string
	var suite, runs string
	c := &cobra.Command{
		Use:   "list [SCENARIO…]",
		Short: "List scenarios, suites and cells",
		Long: `list shows the scenarios that are built in and the suites they belong to; of named
scenarios, each cell with its arms and their settings; of a suite, how long each scenario will
take, by what it took on this machine before, or else on one with two cores.`,
		Example: "  bench list ensemble-parallel\n" +
			"  bench list --suite nightly",
		RunE: func(c *cobra.Command, args []string) error {
			if suite != "" {
				return showSuite(c, args, suite, runs, files, asJSON)
			}
			all, err := load(files)
			if err != nil {
				return err
			}
			return list(c.OutOrStdout(), all, args, asJSON)
		},
		ValidArgsFunction: completeScenarios,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON on standard output")
	c.Flags().StringVar(&suite, "suite", "", "how long the scenarios of this `SUITE` take: quick, nightly, full or peer")
	addRuns(c, &runs)
	c.RegisterFlagCompletionFunc("suite", completeSuites)
	c.Flags().StringArrayVar(&files, "file", nil, "list the scenarios of this `FILE` or directory instead; may be repeated")
	return c
}

// showSuite answers list --suite.
func showSuite(c *cobra.Command, args []string, suite, runs string, files []string, asJSON bool) error {
	if len(args)+len(files) > 0 {
		return fmt.Errorf("\"--suite %s\": a suite is of built-in scenarios; leave away names and --file", suite)
	}
	all, err := planned(c.Context(), c.ErrOrStderr(), suite, runs)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(c.OutOrStdout(), all)
	}
	return listSuite(c.OutOrStdout(), suite, all)
}

func list(w io.Writer, all []scenarios.Scenario, names []string, asJSON bool) error {
	chosen := all
	if len(names) > 0 {
		var err error
		if chosen, err = scenarios.Select(all, names...); err != nil {
			return err
		}
	}
	switch {
	case asJSON:
		return writeJSON(w, listed(chosen))
	case len(names) > 0:
		return listCells(w, chosen)
	}
	return listScenarios(w, all)
}

// A listing is a scenario as --json shows it.
type listing struct {
	Name   string        `json:"name"`
	Title  string        `json:"title"`
	Suites []string      `json:"suites"`
	Cells  []record.Cell `json:"cells"`
}

func listed(all []scenarios.Scenario) []listing {
	out := []listing{}
	for _, s := range all {
		out = append(out, listing{s.Name, s.Title, append([]string{}, s.Suites...), scenarios.Expand(s)})
	}
	return out
}

func listScenarios(w io.Writer, all []scenarios.Scenario) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tcells\trestarts × blocks\tarms")
	for _, s := range all {
		cells := scenarios.Expand(s)
		p := cells[0].Plan
		fmt.Fprintf(t, "%s\t%d\t%d × %d\t%s\n", s.Name, len(cells), p.Restarts, p.Blocks, strings.Join(armNames(cells[0]), ", "))
	}
	fmt.Fprintln(t, "\nsuite\tscenarios")
	for _, suite := range scenarios.Suites() {
		members, err := scenarios.InSuite(all, suite)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%d: %s\n", suite, len(members), strings.Join(scenarios.Names(members), ", "))
	}
	return t.Flush()
}

func armNames(c record.Cell) []string {
	var out []string
	for _, a := range c.Arms {
		out = append(out, a.Name)
	}
	return out
}

func listCells(w io.Writer, chosen []scenarios.Scenario) error {
	for i, s := range chosen {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s\n", s.Name, s.Title)
		if s.Claim != nil {
			fmt.Fprintf(w, "claim %s: %s\n", s.Claim.ID, s.Claim.Says)
		}
		for _, c := range scenarios.Expand(s) {
			if err := listCell(w, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// listCell shows what the arms share, and of each arm what is its own.
func listCell(w io.Writer, c record.Cell) error {
	fmt.Fprintf(w, "cell %s%s, %s of %s%s\n", c.ID, pointText(c),
		count(c.Plan.Restarts, "restart"), count(c.Plan.Blocks, "block"), decidesText(c))
	shared, own := split(c.Arms)
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  all arms\t%s\n", strings.Join(shared, " "))
	for i, a := range c.Arms {
		words := append([]string{a.Worker}, own[i]...)
		if len(a.Needs) > 0 {
			words = append(words, "needs "+strings.Join(a.Needs, ", "))
		}
		fmt.Fprintf(t, "  %s\t%s\n", a.Name, strings.Join(words, " "))
	}
	return t.Flush()
}

// split writes the settings that all arms share, and those of each arm that
// they do not.
func split(arms []record.Arm) (shared []string, own [][]string) {
	own = make([][]string, len(arms))
	for _, f := range protocol.Fields() {
		texts := make([]string, len(arms))
		same := true
		for i, a := range arms {
			texts[i] = settingText(a.Settings, f)
			same = same && texts[i] == texts[0]
		}
		if same && texts[0] != "" {
			shared = append(shared, texts[0])
		}
		for i := range arms {
			if !same && texts[i] != "" {
				own[i] = append(own[i], texts[i])
			}
		}
	}
	return shared, own
}

// settingText writes a setting as key=value, "" if it is not set.
func settingText(s protocol.Settings, f protocol.Field) string {
	if !s.IsSet(f) {
		return ""
	}
	v := s.Value(f)
	if words, ok := v.([]string); ok {
		v = strings.Join(words, "+")
	}
	return fmt.Sprintf("%s=%v", f.Key, v)
}

// pointText writes the cell's place in the matrix in the order of settings.
func pointText(c record.Cell) string {
	var out strings.Builder
	for _, f := range protocol.Fields() {
		if v, ok := c.Point[f.Key]; ok {
			fmt.Fprintf(&out, " %s=%s", f.Key, v)
		}
	}
	return out.String()
}

func decidesText(c record.Cell) string {
	if c.Decides == "" {
		return ""
	}
	var bounds []string
	for _, e := range c.Expect {
		bounds = append(bounds, fmt.Sprintf("%s %s %v", e.Metric, e.Op, e.Ratio))
	}
	if bounds == nil {
		bounds = []string{"the check of its " + c.Equal.Output}
	}
	return fmt.Sprintf("; %s decides: %s", c.Decides, strings.Join(bounds, ", "))
}

// completeScenarios offers the names of the built-in scenarios to a shell.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := scenarios.Embedded()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, s := range all {
		out = append(out, s.Name+"\t"+s.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeSuites offers the names of the suites.
func completeSuites(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarios.Suites(), cobra.ShellCompDirectiveNoFileComp
}
