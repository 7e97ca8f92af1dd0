package judge

import (
	"lensbench/record"
)

// Judge makes all statements of a run from its journal. dropped is the number
// of journal lines that could not be read.
func Judge(run record.Run, entries []record.Entry, dropped int) record.Verdicts {
	j := sortEntries(run, entries)
	v := record.Verdicts{
		Schema:      record.Schema,
		Run:         run.ID,
		Cells:       []record.CellVerdict{},
		Dropped:     dropped,
		Interrupted: !j.complete,
	}
	for i := range j.cells {
		v.Cells = append(v.Cells, j.cells[i].verdict())
	}
	addFamily(j.cells, v.Cells)
	v.Overhead = overhead(j.cells)
	return v
}

// verdict is all that is said about one cell.
func (c *cell) verdict() record.CellVerdict {
	v := record.CellVerdict{
		Cell:        c.ID,
		Scenario:    c.Scenario,
		Title:       c.Title,
		Point:       c.Point,
		Arms:        []record.ArmSummary{},
		Comparisons: []record.Comparison{},
	}
	if len(c.arms) == 0 {
		v.Status, v.Reason = record.Invalid, "the cell has no arms"
		return v
	}
	v.Contamination = c.contamination
	v.Comparisons = c.comparisons()
	for i := range c.arms {
		v.Arms = append(v.Arms, c.summary(&c.arms[i]))
	}
	v.Status, v.Reason = c.status(v.Comparisons)
	v.Stopped = c.halt(v.Comparisons)
	v.Claim = c.claim(v.Status, v.Reason, v.Comparisons)
	return v
}
