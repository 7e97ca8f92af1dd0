package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lensbench/scenarios"
)

func newCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Check scenario files without running them",
		Long: `check reads scenario files, or all of a directory, and reports every mistake with
file:line:column. Without arguments it checks the scenarios that are built in.`,
		Example: "  bench check mine.yaml scenarios/",
		RunE: func(c *cobra.Command, args []string) error {
			return check(c.OutOrStdout(), args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the mistakes as JSON on standard output")
	return c
}

func check(w io.Writer, paths []string, asJSON bool) error {
	all, err := load(paths)
	var problems scenarios.Problems
	if err != nil && (!asJSON || !errors.As(err, &problems)) {
		return err
	}
	if asJSON {
		if err := writeJSON(w, struct {
			Scenarios []string           `json:"scenarios"` // that are good
			Problems  scenarios.Problems `json:"problems"`
		}{append([]string{}, scenarios.Names(all)...), append(scenarios.Problems{}, problems...)}); err != nil {
			return err
		}
		if len(problems) > 0 {
			return &status{code: exitInvalid}
		}
		return nil
	}
	for _, s := range all {
		cells := scenarios.Expand(s)
		fmt.Fprintf(w, "%s: ok, %s of %d arms\n", s.Name, count(len(cells), "cell"), len(cells[0].Arms))
	}
	return nil
}

// load reads scenario files, or the built-in scenarios.
func load(paths []string) ([]scenarios.Scenario, error) {
	if len(paths) == 0 {
		return scenarios.Embedded()
	}
	return scenarios.Load(paths...)
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
