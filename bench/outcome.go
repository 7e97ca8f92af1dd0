package main

import (
	"fmt"
	"reflect"
	"strings"

	"lensbench/record"
)

// outcome turns the verdicts of a run into an exit status: nil if the run can
// be believed and, where decisive demands it, is conclusive. The messages are
// lines that begin with the scenario.
func outcome(run record.Run, v record.Verdicts, decisive bool) error {
	cells := make(map[string]record.Cell)
	for _, c := range run.Cells {
		cells[c.ID] = c
	}
	var invalid, open []string
	for _, c := range v.Cells {
		if why := disbelief(c, cells[c.Cell]); why != "" {
			invalid = append(invalid, c.Scenario+": "+why)
		} else if why := undecided(c, cells[c.Cell]); why != "" {
			open = append(open, c.Scenario+": "+why)
		}
	}
	switch {
	case v.Interrupted:
		return &status{exitInvalid, fmt.Errorf("%s: the run is not complete; go on with: bench run --resume %s", run.ID, run.ID)}
	case len(invalid) > 0:
		return &status{exitInvalid, lines(invalid)}
	case decisive && len(open) > 0:
		return &status{exitUndecided, lines(open)}
	}
	return nil
}

type lines []string

func (l lines) Error() string { return strings.Join(l, "\n") }

// disbelief says why nothing of a cell can be believed, "" if it can. An arm
// that was skipped, for want of a device or of PyTorch, is no failure.
func disbelief(c record.CellVerdict, plan record.Cell) string {
	if c.Status == record.QualityFail && c.Claim != nil && c.Claim.Verdict == record.Refuted && len(plan.Expect) == 0 {
		return "" // that outputs differ is what was asked
	}
	switch c.Status {
	case record.Invalid, record.OOM, record.Timeout, record.Crash, record.Failed, record.QualityFail:
		return fmt.Sprintf("%s: %s", c.Status, c.Reason)
	}
	if !calibrates(plan) {
		return ""
	}
	for _, k := range c.Comparisons {
		switch k.Outcome {
		case record.Faster, record.Slower, record.Less, record.More:
			return fmt.Sprintf("equal arms are told apart: %s is %s in %s; believe no verdict of this run", k.Variant, k.Outcome, k.Metric)
		}
	}
	return ""
}

// undecided says what a cell was to decide and did not.
func undecided(c record.CellVerdict, plan record.Cell) string {
	switch {
	case c.Claim != nil && (c.Claim.Verdict == record.Inconclusive || c.Claim.Verdict == record.NotTested):
		return fmt.Sprintf("claim %s: %s: %s", c.Claim.ID, c.Claim.Verdict, c.Claim.Reason)
	case c.Claim != nil && len(plan.Expect) == 0:
		return "" // its check decided it, whatever the times are
	case c.Status == record.Insufficient || c.Status == record.Contaminated:
		return fmt.Sprintf("%s: %s", c.Status, c.Reason)
	case calibrates(plan):
		for _, k := range c.Comparisons {
			if k.Outcome != record.Equivalent {
				return fmt.Sprintf("calibration in %s: %s", k.Metric, k.Outcome)
			}
		}
	}
	return ""
}

// calibrates says whether all arms of a cell do the same real work, so that
// any difference between them is the instrument's. Null work does not count:
// its durations are those of the clock.
func calibrates(c record.Cell) bool {
	for _, a := range c.Arms {
		if a.Settings.Kind == "null" || a.Worker != c.Arms[0].Worker || !reflect.DeepEqual(a.Settings, c.Arms[0].Settings) {
			return false
		}
	}
	return len(c.Arms) > 1
}
