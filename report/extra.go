package report

import (
	"fmt"
	"strconv"
	"strings"

	"lensbench/record"
	"lensbench/verdict"
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

// percentiles are the latencies of queries, where arms are in a mode that has such. A
// percentile that too few queries say something about is insufficient.
func (b *sheetBuilder) percentiles() grid {
	g := grid{caption: "Latency of queries", columns: []column{{"arm", false}, {"mode", false}, {"queries", true}, {"percentile", false}, {"latency", true}}}
	for _, a := range b.cv.Arms {
		mode := b.mode(a.Arm)
		if mode == "" || a.Samples == 0 || a.Latency == nil {
			continue
		}
		row := []entry{word(a.Arm), word(mode), word(queries(a))}
		for _, q := range judged {
			g.rows = append(g.rows, append(row, word(q.name), b.percentile(a.Latency[q.name], q.name, verdict.Floor(q.p))))
			row = []entry{word(""), word(""), word("")} // said once
		}
	}
	return g
}

// judged are the percentiles of latencies.
var judged = []struct {
	name string
	p    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}}

// mode is how the queries of an arm come, "" if it has none.
func (b *sheetBuilder) mode(arm string) string {
	for _, a := range b.plan.Arms {
		if a.Name == arm {
			return a.Settings.Mode
		}
	}
	return ""
}

func queries(a record.ArmSummary) string {
	if n := a.Latency["p50"].N; n > 0 {
		return fmt.Sprint(n)
	}
	return absent
}

func (b *sheetBuilder) percentile(i record.Interval, name string, floor int) entry {
	if i.N > 0 {
		return entry{figure: interval(i, timeUnits)}
	}
	return entry{figure: figure{main: "insufficient"}, tone: doubtful, notes: []int{b.note(fmt.Sprintf("the %s is printed from %d queries on", name, floor))}}
}

// family says how comparisons stand among all primary ones of the run.
func (b *sheetBuilder) family() sentence {
	var words []string
	size := 0
	for _, c := range b.cv.Comparisons {
		if f := c.Family; f != nil {
			size = f.Size
			words = append(words, fmt.Sprintf("%s %s alone, %s among all, %s by Holm", c.Variant, chance(c.P), chance(f.Adjusted), chance(f.Holm)))
		}
	}
	if words == nil {
		return sentence{}
	}
	return sentence{label: "Family", text: fmt.Sprintf("p of no difference, as one of the run's %d primary comparisons: %s", size, strings.Join(words, "; "))}
}

// chance prints a p with two digits.
func chance(p float64) string {
	if p < 1e-4 {
		return "below 0.0001"
	}
	return strconv.FormatFloat(p, 'g', 2, 64)
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
