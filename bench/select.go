package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lensbench/record"
	"lensbench/scenarios"
	"lensbench/verdict"
)

// A selection says which scenarios to run, and how much of them.
type selection struct {
	names    []string // of built-in scenarios
	suites   []string
	files    []string // scenario files or directories
	restarts int      // instead of the scenarios' own; 0 keeps them
	blocks   int

	sequential bool // look at every scenario as planned for sequential runs
}

// sequentialBudget is the most restarts of a sequential run.
const sequentialBudget = 36

// cells expands everything that is selected, each scenario once.
func (s selection) cells() ([]record.Cell, error) {
	chosen, err := s.scenarios()
	if err != nil {
		return nil, err
	}
	var cells []record.Cell
	for _, one := range chosen {
		for _, c := range scenarios.Expand(one) {
			// Efficiency takes two arms, of which a look could end one.
			if s.sequential && c.Plan.Looks == nil && !slices.Contains(c.Measure, record.Efficiency) {
				c.Plan.Looks, c.Plan.Restarts = verdict.Looks(sequentialBudget), sequentialBudget
			}
			if s.restarts > 0 {
				c.Plan = c.Plan.With(s.restarts)
			}
			if s.blocks > 0 {
				c.Plan.Blocks = s.blocks
			}
			cells = append(cells, c)
		}
	}
	return cells, nil
}

func (s selection) scenarios() ([]scenarios.Scenario, error) {
	if len(s.names)+len(s.suites)+len(s.files) == 0 {
		return nil, errors.New("bench run: nothing to run; name scenarios (bench list shows them), or a suite with --suite quick")
	}
	all, err := scenarios.Embedded()
	if err != nil {
		return nil, err
	}
	chosen, err := scenarios.Select(all, s.names...)
	if err != nil {
		return nil, hint(err, s.names)
	}
	for _, suite := range s.suites {
		members, err := scenarios.InSuite(all, suite)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, members...)
	}
	if len(s.files) > 0 {
		more, err := scenarios.Load(s.files...)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, more...)
	}
	return distinct(chosen)
}

// hint helps who gave the name of a file where a scenario's belongs.
func hint(err error, names []string) error {
	for _, n := range names {
		if strings.ContainsAny(n, "./") {
			return fmt.Errorf("%w; a file is run with: --file %s", err, n)
		}
	}
	return err
}

// distinct drops what was selected twice. Two files of one name are an error:
// their results could not be told apart.
func distinct(chosen []scenarios.Scenario) ([]scenarios.Scenario, error) {
	from := make(map[string]string)
	var out []scenarios.Scenario
	for _, s := range chosen {
		file, again := from[s.Name]
		switch {
		case !again:
			from[s.Name] = s.File
			out = append(out, s)
		case file != s.File:
			return nil, fmt.Errorf("%s: scenario %s is selected already, from %s; give it another name", s.File, s.Name, file)
		}
	}
	return out, nil
}
