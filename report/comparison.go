package report

import (
	"fmt"
	"io"
	"strings"

	"lensbench/baseline"
	"lensbench/record"
)

// Comparison writes what comparing stored results came to: the table of
// benchstat as it is, and below it, for every operand, what the table is worth:
// the run's own verdict where the two were measured together, and otherwise why
// the table decides nothing.
func Comparison(w io.Writer, c *baseline.Comparison, o Options) error {
	if err := c.Tables.WriteText(w); err != nil {
		return err
	}
	t := &textWriter{o: o}
	if c.Tables.Problems != nil {
		t.line("")
	}
	for _, p := range c.Tables.Problems {
		t.sentences([]sentence{{"Left out", p.Error(), doubtful}})
	}
	for i, s := range c.Against {
		t.line("")
		t.standing(c.Operands[0], c.Operands[i+1], s)
	}
	if t.err != nil {
		return t.err
	}
	_, err := w.Write(t.buf.Bytes())
	return err
}

func (t *textWriter) standing(a, b baseline.Operand, s baseline.Standing) {
	t.heading(fmt.Sprintf("%s against %s: %s", b.Label, a.Label, relation(s)))
	t.sentences(warnings(a, b, s))
	for _, p := range s.Paired {
		t.line("")
		t.paired(a, b, p)
	}
}

// relation is what the table above is, in a few words.
func relation(s baseline.Standing) string {
	switch s.Relation {
	case baseline.Together:
		return "measured side by side"
	case baseline.SameRun:
		return "the same run"
	case baseline.Apart:
		return "an unpaired comparison of stored numbers"
	case baseline.Incomparable:
		return "not comparable"
	}
	return "comparable only if the machine was the same"
}

// warnings are what a reader must know before believing the table.
func warnings(a, b baseline.Operand, s baseline.Standing) []sentence {
	var out []sentence
	warn := func(label, text string) { out = append(out, sentence{label, text, doubtful}) }
	switch s.Relation {
	case baseline.Together:
		if s.Unpaired != "" {
			warn("No verdict", s.Unpaired)
		} else {
			out = append(out, sentence{"Verdict", "the pairs below decide; the table above ignores which samples belong together", neutral})
		}
	case baseline.SameRun:
		warn("Warning", "every difference is zero by construction; to compare arms of it, write RUN:ARM RUN:ARM")
	case baseline.Apart:
		warn("Warning", "they were measured at different times, and a machine drifts by tens of per cent within hours: a difference may be the machine's. To know, run both as arms of one run")
	case baseline.Incomparable:
		out = append(out, sentence{"Machines", "differ in " + strings.Join(s.Machine, "; "), bad})
	case baseline.Unknown:
		warn("Warning", fmt.Sprintf("%s or %s does not say on which machine it was measured, or mixes several", a.Label, b.Label))
	}
	for _, d := range s.Settings {
		warn("Other work", d)
	}
	for _, d := range s.Context {
		warn("Context", d)
	}
	return out
}

// paired is the run's own statement, arms turned to the order that was asked
// for.
func (t *textWriter) paired(a, b baseline.Operand, p baseline.Paired) {
	builder := &sheetBuilder{cv: p.Cell, control: a.Arm}
	g := grid{
		caption: fmt.Sprintf("%s: %s ÷ %s", cellName(p.Cell), b.Arm, a.Arm),
		columns: []column{{head: "metric"}, {head: "ratio", right: true}, {head: "outcome"}, {head: "p", right: true}, {head: "pairs", right: true}},
	}
	for _, c := range p.Comparisons {
		name := metricName(c.Metric)
		if hint := better(c.Metric); hint != "" {
			name += ", " + hint
		}
		g.rows = append(g.rows, []entry{
			word(name), {figure: ratio(c)}, builder.conclusion(c), word(probability(c)), word(fmt.Sprint(c.Pairs)),
		})
	}
	status := builder.status()
	t.grid(g)
	for i, note := range builder.sheet.notes {
		t.hang(superscript(i+1)+" ", note, neutral)
	}
	if status.text != "" {
		t.sentences([]sentence{status})
	}
}

// probability is the p of "no difference"; exact counts have none.
func probability(c record.Comparison) string {
	switch {
	case c.Exact || c.Pairs == 0 || c.P != c.P:
		return absent
	case c.P < 1e-4:
		return fmt.Sprintf("%.1g", c.P)
	}
	return fmt.Sprintf("%.4f", c.P)
}
