package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lensbench/record"
	"lensbench/verdict"
)

// A sheetBuilder makes the sheet of one cell.
type sheetBuilder struct {
	cv      record.CellVerdict
	plan    record.Cell // as planned; may be zero
	control string      // name of the arm that the others are compared with
	metric  string      // whose ratio stands in the first table
	sheet   sheet
}

func newSheet(cv record.CellVerdict, plan record.Cell, o Options) sheet {
	b := &sheetBuilder{cv: cv, plan: plan, metric: mainMetric(cv, plan)}
	if len(cv.Arms) > 0 {
		b.control = cv.Arms[0].Arm
	}
	b.sheet.title = cellName(cv)
	if cv.Title != "" {
		b.sheet.title += ": " + cv.Title
	}
	b.intro()
	b.sheet.answer = b.arms()
	b.sheet.verdict = b.verdict()
	for _, g := range append([]grid{b.percentiles(), b.others(), b.memory()}, b.profiles(o.Details)...) {
		if g.rows != nil {
			b.sheet.more = append(b.sheet.more, g)
		}
	}
	if o.Details {
		b.sheet.more = append(b.sheet.more, b.details())
	}
	b.after()
	if f := b.family(); o.Details && f.text != "" {
		b.sheet.after = append(b.sheet.after, f)
	}
	return b.sheet
}

// mainMetric is the one that the claim is about, else throughput, else the
// first that was compared.
func mainMetric(cv record.CellVerdict, plan record.Cell) string {
	if len(plan.Expect) > 0 {
		return plan.Expect[0].Metric
	}
	metric := ""
	for _, c := range cv.Comparisons {
		if metric == "" || c.Metric == record.Throughput {
			metric = c.Metric
		}
	}
	return metric
}

// note numbers a footnote; equal ones share a number.
func (b *sheetBuilder) note(text string) int {
	if i := slices.Index(b.sheet.notes, text); i >= 0 {
		return i + 1
	}
	b.sheet.notes = append(b.sheet.notes, text)
	return len(b.sheet.notes)
}

// comparison finds what was said about a variant, nil if nothing.
func (b *sheetBuilder) comparison(metric, variant string) *record.Comparison {
	for i, c := range b.cv.Comparisons {
		if c.Metric == metric && c.Variant == variant {
			return &b.cv.Comparisons[i]
		}
	}
	return nil
}

// metricNames are metrics in words.
var metricNames = map[string]string{
	record.Throughput: "throughput",
	record.Efficiency: "efficiency of ranks",
	record.Latency:    "median latency",
	record.MemoryPeak: "peak memory",

	record.ActivationPeak: "peak activations",
	record.Energy:         "energy",
}

func metricName(metric string) string { return orElse(metricNames[metric], metric) }

// better says which ratios of a metric are good news.
func better(metric string) string {
	switch metric {
	case record.Throughput:
		return "above 1 is faster"
	case record.Efficiency:
		return "above 1 is more efficient"
	case record.Latency:
		return "below 1 is faster"
	case record.MemoryPeak, record.ActivationPeak, record.Energy:
		return "below 1 is less"
	}
	return ""
}

// arms is the table that answers the question of the scenario.
func (b *sheetBuilder) arms() grid {
	g := grid{columns: []column{{head: "arm"}}}
	parts := b.parts()
	for _, p := range parts {
		g.columns = append(g.columns, p.column)
	}
	for _, a := range b.cv.Arms {
		row := []entry{word(a.Arm)}
		for _, p := range parts {
			row = append(row, p.entry(a))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// A part is a column of the table of arms.
type part struct {
	column
	entry func(record.ArmSummary) entry
}

// parts are the columns for what the cell measures.
func (b *sheetBuilder) parts() []part {
	var out []part
	if b.shows(record.Throughput, func(a record.ArmSummary) bool { return a.Throughput.N > 0 }) {
		units := b.common(rateUnits, func(a record.ArmSummary) float64 { return a.Throughput.Value })
		out = append(out, part{column{"samples/s", true}, func(a record.ArmSummary) entry {
			return entry{figure: interval(a.Throughput, units)}
		}})
	}
	if slices.Contains(b.plan.Measure, record.Efficiency) {
		out = append(out, part{column{"efficiency", true}, efficiency})
	}
	if b.shows(record.Latency, func(a record.ArmSummary) bool { return len(a.Latency) > 0 }) {
		units := b.common(timeUnits, func(a record.ArmSummary) float64 { return a.Latency["p50"].Value })
		out = append(out, part{column{"p50 latency", true}, func(a record.ArmSummary) entry { return b.latency(a, units) }})
	}
	if b.shows(record.MemoryPeak, func(a record.ArmSummary) bool { return a.TensorPeak > 0 }) {
		units := b.common(byteUnits, func(a record.ArmSummary) float64 { return float64(a.TensorPeak) })
		out = append(out, part{column{"peak memory", true}, func(a record.ArmSummary) entry { return word(bytesIn(a.TensorPeak, units)) }})
	}
	if slices.Contains(b.plan.Measure, record.ActivationPeak) {
		units := b.common(byteUnits, func(a record.ArmSummary) float64 { return float64(activationPeak(a)) })
		out = append(out, part{column{"activations", true}, func(a record.ArmSummary) entry { return word(bytesIn(activationPeak(a), units)) }})
	}
	if b.shows(record.Energy, func(a record.ArmSummary) bool { return a.Energy != nil }) {
		units := b.common(energyUnits, func(a record.ArmSummary) float64 { return energyOf(a).Value })
		out = append(out, part{column{"energy/sample", true}, func(a record.ArmSummary) entry { return entry{figure: interval(energyOf(a), units)} }})
	}
	if b.metric != "" {
		out = append(out, part{column{"ratio", true}, b.ratio})
	}
	return append(out, part{column{head: "outcome"}, b.outcome})
}

// energyOf is absent where none was counted.
func energyOf(a record.ArmSummary) record.Interval {
	if a.Energy == nil {
		return record.Interval{}
	}
	return *a.Energy
}

// shows says whether a metric has a column: it was to be measured, or was.
func (b *sheetBuilder) shows(metric string, has func(record.ArmSummary) bool) bool {
	return slices.Contains(b.plan.Measure, metric) || slices.ContainsFunc(b.cv.Arms, has)
}

// common is the unit of a column.
func (b *sheetBuilder) common(units []unit, of func(record.ArmSummary) float64) []unit {
	var values []float64
	for _, a := range b.cv.Arms {
		values = append(values, of(a))
	}
	return commonUnit(values, units)
}

// latency is absent where there are too few iterations for a percentile.
func (b *sheetBuilder) latency(a record.ArmSummary, units []unit) entry {
	p50 := a.Latency["p50"]
	e := entry{figure: interval(p50, units)}
	if p50.N == 0 && a.Samples > 0 && a.Status != record.Invalid {
		e.notes = []int{b.note(fmt.Sprintf("a median latency is printed from %d iterations on", verdict.Floor(0.5)))}
	}
	return e
}

func efficiency(a record.ArmSummary) entry {
	if a.Efficiency == nil {
		return word(absent)
	}
	return entry{figure: interval(*a.Efficiency, plainUnits)}
}

func (b *sheetBuilder) ratio(a record.ArmSummary) entry {
	c := b.comparison(b.metric, a.Arm)
	switch {
	case a.Arm == b.control && a.Status == record.OK:
		return word("1")
	case c == nil:
		return word(absent)
	}
	return entry{figure: ratio(*c)}
}

// outcome is the word that the row comes to.
func (b *sheetBuilder) outcome(a record.ArmSummary) entry {
	if a.Status != record.OK && a.Status != "" {
		return b.armStatus(a)
	}
	if a.Arm == b.control {
		return word("control")
	}
	c := b.comparison(b.metric, a.Arm)
	if c == nil {
		return word(absent)
	}
	return b.conclusion(*c)
}

// armStatus is how an arm ended, with the reason in a footnote.
func (b *sheetBuilder) armStatus(a record.ArmSummary) entry {
	e := entry{figure: figure{main: a.Status}, tone: toneOf(a.Status)}
	e.notes = []int{b.note(reasoned(a.Arm, a.Status, a.Reason))}
	return e
}

// conclusion is the outcome of a comparison. Where the word alone does not say
// why, a footnote does.
func (b *sheetBuilder) conclusion(c record.Comparison) entry {
	e := entry{figure: figure{main: c.Outcome}, tone: toneOf(c.Outcome)}
	switch {
	case c.Outcome == record.Equivalent && showsMDE(c):
		e.detail = fmt.Sprintf("±%s, MDE %s", percent(c.Theta), percent(c.MDE))
	case c.Outcome == record.Equivalent:
		e.detail = "±" + percent(c.Theta)
	case showsMDE(c):
		e.detail = "MDE " + percent(c.MDE)
	}
	if mark := b.armOf(c.Reason); mark > 0 {
		e.notes = []int{mark}
	} else if c.Reason != "" && needsReason(c) {
		e.notes = []int{b.note(c.Reason)}
	} else if onlyInner(c) {
		e.notes = []int{b.note("the interval holds with 90 %: equivalence is tested at 5 % on each side, and this look comes too early for an interval with 99 %")}
	} else if widerThanMargin(c) {
		e.notes = []int{b.note("equivalence is tested at 5 % on each side, the interval is at 99 % and may reach beyond it")}
	}
	return e
}

// widerThanMargin says whether an equivalence stands beside an interval that
// seems to contradict it.
func widerThanMargin(c record.Comparison) bool {
	return c.Outcome == record.Equivalent && !c.Exact && (c.Low < 1-c.Theta || c.High > 1+c.Theta)
}

// armOf is the footnote of the arm whose end is the reason for something else,
// as in "arm threads: no answer" or "control sequential: crash: …"; 0 if the
// reason is another.
func (b *sheetBuilder) armOf(reason string) int {
	for _, a := range b.cv.Arms {
		if a.Status == record.OK || a.Reason == "" {
			continue
		}
		_, of, _ := strings.Cut(reason, " ")
		if of == a.Arm+": "+a.Reason || of == a.Arm+": "+a.Status+": "+a.Reason {
			return b.note(reasoned(a.Arm, a.Status, a.Reason))
		}
	}
	return 0
}

// showsMDE says whether a "no difference" carries what could have been seen. At
// an early look that is nothing.
func showsMDE(c record.Comparison) bool {
	return (c.Outcome == record.Equivalent || c.Outcome == record.Inconclusive) && !c.Exact && c.MDE > 0 && !(c.Look != nil && math.IsInf(c.MDE, 1))
}

// needsReason says whether the numbers beside an outcome leave a question: they
// do not where the interval says it all, unless the cross-check disagrees.
func needsReason(c record.Comparison) bool {
	switch c.Outcome {
	case record.Faster, record.Slower, record.Less, record.More:
		return c.Bootstrap != nil && c.Bootstrap.Low <= 1 && c.Bootstrap.High >= 1
	case record.Equivalent, record.Inconclusive:
		return false
	}
	return true
}

// others are the comparisons of the further metrics, but for arms whose end is
// in the first table.
func (b *sheetBuilder) others() grid {
	g := grid{columns: []column{{head: "arm"}, {head: "metric"}, {head: "ratio", right: true}, {head: "outcome"}}}
	var hints []string
	for _, a := range b.cv.Arms {
		for _, c := range b.cv.Comparisons {
			if c.Variant != a.Arm || c.Metric == b.metric || b.armOf(c.Reason) > 0 {
				continue
			}
			g.rows = append(g.rows, []entry{word(a.Arm), word(metricName(c.Metric)), {figure: ratio(c)}, b.conclusion(c)})
			if hint := metricName(c.Metric) + " " + better(c.Metric); !slices.Contains(hints, hint) {
				hints = append(hints, hint)
			}
		}
	}
	g.caption = fmt.Sprintf("Other ratios to %s (%s)", b.control, strings.Join(hints, ", "))
	return g
}
