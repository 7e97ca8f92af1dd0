package claims

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"lensbench/record"
	"lensbench/scenarios"
)

// A Scenario is one with the words that a reader needs to run it.
type Scenario struct {
	scenarios.Scenario
	File    string // as a reader finds it
	Command string // that runs it
}

// A Result is a run with its verdicts.
type Result struct {
	Run      record.Run
	Verdicts record.Verdicts
}

// Collect makes the lines: promises in the order of the table, then what
// scenarios claim beyond it; of one promise by scenario, then by machine.
// Results may be in any order and of any machines.
func Collect(all []Scenario, results []Result) []Line {
	results = newestFirst(results)
	var out []Line
	for _, p := range extended(all) {
		tested := false
		for _, s := range all {
			if s.Claim != nil && s.Claim.ID == p.ID {
				out = append(out, linesOf(p, s, results)...)
				tested = true
			}
		}
		if !tested {
			out = append(out, Line{Promise: p, Found: Found{Verdict: record.NotTested, Reason: "no scenario yet"}})
		}
	}
	return out
}

func newestFirst(results []Result) []Result {
	out := slices.Clone(results)
	slices.SortStableFunc(out, func(a, b Result) int { return cmp.Compare(b.Run.ID, a.Run.ID) })
	slices.SortStableFunc(out, func(a, b Result) int { return b.Run.Started.Compare(a.Run.Started) })
	return out
}

// extended is the table with what scenarios claim beyond it.
func extended(all []Scenario) []Promise {
	out := Promises()
	for _, s := range all {
		if s.Claim == nil || slices.ContainsFunc(out, func(p Promise) bool { return p.ID == s.Claim.ID }) {
			continue
		}
		out = append(out, Promise{ID: s.Claim.ID, Group: Ours, Proposes: s.Title, Claimed: s.Claim.Says})
	}
	return out
}

// linesOf are one line per machine that has a run of the scenario, the machine
// of the newest run first; one line if none has.
func linesOf(p Promise, s Scenario, results []Result) []Line {
	cell := deciding(s.Scenario)
	line := Line{Promise: p, Test: Test{Scenario: s.Name, Point: cell.Point, File: s.File, Command: s.Command}}
	if cell.Equal != nil {
		line.Checks = cell.Equal.Output
	}
	var out []Line
	for _, machine := range machines(results) {
		if f, plan, ok := find(cell, ofMachine(results, machine)); ok {
			line.Found, line.Command = f, s.Command+longer(cell.Plan, plan)
			out = append(out, line)
		}
	}
	if out == nil {
		line.Found = Found{Verdict: record.NotTested, Reason: "not run yet"}
		out = append(out, line)
	}
	return out
}

// deciding is the cell that decides the scenario's claim.
func deciding(s scenarios.Scenario) record.Cell {
	for _, c := range scenarios.Expand(s) {
		if c.Decides != "" {
			return c
		}
	}
	return record.Cell{} // Parse admits no such claim
}

// machines lists the machines of results in their order.
func machines(results []Result) []record.Machine {
	var out []record.Machine
	for _, r := range results {
		if !slices.Contains(out, r.Run.Machine) {
			out = append(out, r.Run.Machine)
		}
	}
	return out
}

func ofMachine(results []Result, m record.Machine) []Result {
	return slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Run.Machine != m })
}

// find takes the newest whole result on a cell, or the newest of all, with the plan that
// it was measured by.
func find(cell record.Cell, newestFirst []Result) (f Found, plan record.Plan, ok bool) {
	var short *Found
	stale := ""
	for _, r := range newestFirst {
		planned, fits := cellOf(r.Run, cell)
		switch {
		case planned.ID == "":
		case !fits:
			stale = cmp.Or(stale, r.Run.ID)
		default:
			f := found(planned, r)
			cut := cutShort(cell.Plan, planned.Plan, r.Verdicts.Interrupted)
			if cut == "" {
				return f, planned.Plan, true
			}
			if short == nil {
				f.Reason += "; " + cut
				short = &f
			}
		}
	}
	switch {
	case short != nil:
		return *short, cell.Plan, true
	case stale != "":
		return Found{Verdict: record.NotTested, Reason: fmt.Sprintf("run %s was of an earlier version of the scenario; run it again", stale)}, cell.Plan, true
	}
	return Found{}, plan, false
}

// cellOf is the run's cell of the same scenario; fits says whether a verdict on
// it is one on cell. A cell that decided nothing is of another point.
func cellOf(run record.Run, cell record.Cell) (planned record.Cell, fits bool) {
	for _, c := range run.Cells {
		if c.Scenario != cell.Scenario || c.Decides == "" {
			continue
		}
		return c, c.ID == cell.ID && c.Decides == cell.Decides &&
			reflect.DeepEqual(c.Expect, cell.Expect) && reflect.DeepEqual(c.Equal, cell.Equal)
	}
	return record.Cell{}, false
}

// longer are the flags that make as long a run as one that was longer than its scenario.
func longer(whole, planned record.Plan) string {
	flags := ""
	if planned.Restarts > whole.Restarts {
		flags += fmt.Sprintf(" --restarts %d", planned.Restarts)
	}
	if planned.Blocks > whole.Blocks {
		flags += fmt.Sprintf(" --blocks %d", planned.Blocks)
	}
	return flags
}

// cutShort says how a run fell short of its scenario, "" if it did not.
func cutShort(whole, planned record.Plan, interrupted bool) string {
	switch {
	case planned.Restarts < whole.Restarts || planned.Blocks < whole.Blocks:
		return fmt.Sprintf("the run was cut down to %d × %d of %d × %d blocks", planned.Restarts, planned.Blocks, whole.Restarts, whole.Blocks)
	case interrupted:
		return "the run was interrupted"
	}
	return ""
}

// found is what a run says about the claim of its cell.
func found(cell record.Cell, r Result) Found {
	started := r.Run.Started.UTC()
	f := Found{Verdict: record.NotTested, Reason: "the run has no verdict on it", Arm: cell.Decides, Control: cell.Arms[0].Name,
		Run: r.Run.ID, Started: &started, Machine: r.Run.Machine.ID()}
	for _, cv := range r.Verdicts.Cells {
		if cv.Cell != cell.ID {
			continue
		}
		if cv.Claim != nil {
			f.Verdict, f.Reason, f.Device = cv.Claim.Verdict, cv.Claim.Reason, cv.Claim.Device
		}
		f.Check = checkOf(cv, cell.Decides)
		f.Measured = measured(cv, cell)
	}
	return f
}

// checkOf is the result of comparing the arm's outputs. Documents of older
// builds do not name it.
func checkOf(cv record.CellVerdict, arm string) string {
	for _, a := range cv.Arms {
		switch {
		case a.Arm != arm:
		case a.Check != "":
			return a.Check
		case a.Status == record.QualityFail:
			return record.NotPassed
		case a.Worst != nil && a.Status == record.OK:
			return record.Passed
		}
	}
	return ""
}

// measured are the ratios that were expected and could be measured.
func measured(cv record.CellVerdict, cell record.Cell) []Measured {
	var out []Measured
	for _, e := range cell.Expect {
		for _, k := range cv.Comparisons {
			if k.Metric == e.Metric && k.Variant == cell.Decides && k.Pairs > 0 {
				out = append(out, Measured{e, k})
			}
		}
	}
	return out
}
