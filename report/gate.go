package report

import (
	"fmt"
	"io"
	"slices"

	"lensbench/gate"
	"lensbench/record"
)

// GateText writes what a run that compares builds came to, for people at a terminal.
func GateText(w io.Writer, v gate.Verdict, o Options) error {
	t := &textWriter{o: o}
	t.heading(gateTitle(v))
	t.sentences(gateHead(v))
	t.line("")
	t.grid(gateGrid(v))
	if list := gateFoot(v); list != nil {
		t.line("")
		t.sentences(list)
	}
	if t.err != nil {
		return t.err
	}
	_, err := w.Write(t.buf.Bytes())
	return err
}

// GateMarkdown writes it as the summary of a page of a CI.
func GateMarkdown(w io.Writer, run record.Run, v gate.Verdict) error {
	m := &markdownWriter{source: source(run)}
	m.heading(2, gateTitle(v))
	m.sentences(gateHead(v))
	m.grid(gateGrid(v))
	m.sentences(gateFoot(v))
	if m.err != nil {
		return m.err
	}
	_, err := w.Write(m.buf.Bytes())
	return err
}

// gateWords are what outcomes are called where they stand alone.
var gateWords = map[string]string{
	gate.Passed: "nothing regressed", gate.Regressed: "REGRESSED", gate.Flagged: "flagged, not confirmed yet",
	gate.Invalid: "INVALID: nothing here can be believed", gate.Inconclusive: "nothing regressed that could be seen",
}

var gateTones = map[string]tone{
	gate.Passed: neutral, gate.Improved: good, gate.Regressed: bad, gate.Invalid: bad, gate.Flagged: doubtful, gate.Unconfirmed: doubtful,
	gate.Inconclusive: doubtful, gate.Skipped: doubtful,
}

func gateTitle(v gate.Verdict) string {
	return "Gate: " + orElse(gateWords[v.Outcome], v.Outcome)
}

func gateHead(v gate.Verdict) (out []sentence) {
	for _, b := range []struct{ label, worker string }{{"Head", gate.HeadWorker}, {"Base", gate.BaseWorker}, {"Anchor", gate.AnchorWorker}} {
		if build, ok := v.Gate.Build(b.worker); ok {
			text := build.Name()
			if build.Subject != "" {
				text += ", " + build.Subject
			}
			out = append(out, sentence{b.label, fmt.Sprintf("%s; build %s", text, orElse(build.ID, "unknown")), neutral})
		}
	}
	run := v.Run
	if v.Replication != "" {
		run += ", confirmed by " + v.Replication
		if v.Outcome != gate.Regressed {
			run = v.Run + ", measured again in " + v.Replication
		}
	}
	return append(out, sentence{"Run", run, neutral})
}

// gateGrid has a line for every metric of every cell, the worst cells first.
func gateGrid(v gate.Verdict) grid {
	g := grid{columns: []column{{head: "work"}, {head: "metric"}, {head: "head ÷ base", right: true}, {head: "result"},
		{head: "base ÷ base", right: true}, {head: "canary ÷ head", right: true}}}
	cells := slices.Clone(v.Cells)
	order := []string{gate.Invalid, gate.Regressed, gate.Flagged}
	place := func(c gate.Cell) int {
		if i := slices.Index(order, c.Outcome); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(cells, func(a, b gate.Cell) int { return place(a) - place(b) })
	for _, c := range cells {
		for i, f := range c.Findings {
			name := ""
			if i == 0 {
				name = c.Name
			}
			g.rows = append(g.rows, []entry{word(name), word(metricName(f.Metric)), {figure: ratio(f.First)}, gateEntry(c, f),
				{figure: ratio(ofMetric(c.Again, f.Metric))}, {figure: ratio(ofMetric(c.Canary, f.Metric))}})
		}
	}
	return g
}

func ofMetric(all []record.Comparison, metric string) record.Comparison {
	for _, k := range all {
		if k.Metric == metric {
			return k
		}
	}
	return record.Comparison{}
}

func gateEntry(c gate.Cell, f gate.Finding) entry {
	outcome := f.Outcome
	if c.Outcome == gate.Invalid || c.Outcome == gate.Skipped {
		outcome = c.Outcome
	}
	e := entry{figure: figure{main: outcome}, tone: gateTones[outcome]}
	switch {
	case outcome == gate.Passed && f.First.Outcome == record.Equivalent:
		e.main, e.detail = record.Equivalent, "±"+percent(f.First.Theta)
	case outcome == gate.Passed:
		e.main, e.detail = "no worse", "within ±"+percent(f.First.Theta)+" or not proven"
	case outcome == gate.Inconclusive && showsMDE(f.First):
		e.detail = "MDE " + percent(f.First.MDE)
	case f.First.Family != nil && outcome != gate.Invalid && outcome != gate.Skipped:
		e.detail = fmt.Sprintf("p %.2g", f.First.Family.Adjusted)
	}
	return e
}

func gateFoot(v gate.Verdict) (out []sentence) {
	for i, why := range v.Reasons {
		label := ""
		if i == 0 {
			label = "Why"
		}
		out = append(out, sentence{label, why, gateTones[v.Outcome]})
	}
	for i, note := range v.Notes {
		label := ""
		if i == 0 {
			label = "Note"
		}
		out = append(out, sentence{label, note, neutral})
	}
	again, canaries, ended := 0, 0, 0
	for _, c := range v.Cells {
		if c.Ended > 0 {
			ended++
		}
		if !c.Alarm {
			again++
		}
		if c.Seen {
			canaries++
		}
	}
	if ended > 0 {
		out = append(out, sentence{"Looks", fmt.Sprintf("%d of %d cells ended before their last restart, since a look found nothing in them; their intervals are those of the tests of equivalence, of 90 %%", ended, len(v.Cells)), neutral})
	}
	return append(out, sentence{"Instrument", fmt.Sprintf("base not told apart from itself in %d of %d cells; canary of %g %% seen in %d",
		again, len(v.Cells), v.Gate.Delay, canaries), neutral})
}
