package report

import (
	"fmt"

	"lensbench/record"
)

// details are the numbers that few readers ask for: the tail of the latency and
// the cold costs.
func (b *sheetBuilder) details() grid {
	g := grid{caption: "Details", columns: []column{
		{"arm", false}, {"p90", true}, {"p99", true}, {"start", true}, {"first call", true},
		{"RSS", true}, {"outputs off by", true}, {"threads", true},
	}}
	for _, a := range b.cv.Arms {
		g.rows = append(g.rows, []entry{
			word(a.Arm),
			{figure: interval(a.Latency["p90"], timeUnits)},
			{figure: interval(a.Latency["p99"], timeUnits)},
			{figure: interval(a.Load, timeUnits)},
			{figure: interval(a.First, timeUnits)},
			word(bytesOf(a.RSSPeak)),
			word(worst(a)),
			word(threads(a)),
		})
	}
	return g
}

func worst(a record.ArmSummary) string {
	if a.Worst == nil {
		return absent
	}
	return fmt.Sprintf("%.2g", *a.Worst)
}

func threads(a record.ArmSummary) string {
	if a.Threads == 0 {
		return absent
	}
	return fmt.Sprint(a.Threads)
}

// inShort says of every cell what it came to.
func inShort(run record.Run, v record.Verdicts) grid {
	g := grid{columns: []column{{head: "scenario"}, {head: "arm"}, {head: "ratio", right: true}, {head: "result"}}}
	for _, cv := range v.Cells {
		g.rows = append(g.rows, shortRows(cv, planOf(run, cv))...)
	}
	return g
}

// shortRows are a row for the claim, or where none is judged one for each
// variant.
func shortRows(cv record.CellVerdict, plan record.Cell) [][]entry {
	name, metric := cellName(cv), mainMetric(cv, plan)
	var rows [][]entry
	for _, c := range cv.Comparisons {
		result := entry{figure: figure{main: c.Outcome}, tone: toneOf(c.Outcome)}
		if cv.Claim != nil {
			result = entry{figure: figure{main: "claim " + cv.Claim.Verdict}, tone: toneOf(cv.Claim.Verdict)}
		}
		if c.Metric != metric || cv.Claim != nil && c.Variant != plan.Decides {
			continue
		}
		rows = append(rows, []entry{word(name), word(c.Variant), {figure: ratio(c)}, result})
		name = "" // said once
	}
	if rows == nil {
		rows = [][]entry{{word(name), word(absent), word(absent), {figure: figure{main: cv.Status}, tone: toneOf(cv.Status)}}}
	}
	return rows
}
