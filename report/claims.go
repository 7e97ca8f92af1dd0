package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"time"

	"lensbench/calibration"
	"lensbench/claims"
	"lensbench/record"
)

// A ClaimPage is the table of all claims, with what a reader must know of it.
type ClaimPage struct {
	Lines   []claims.Line
	Machine *record.Machine // whose runs count; nil for those of every machine
	LeftOut int             // runs of other machines
	Runs    string          // where runs were looked for
	Command string          // that makes the table again

	Calibrations []calibration.Machine // that are published
}

// ClaimText writes the table for people at a terminal.
func ClaimText(w io.Writer, p ClaimPage, o Options) error {
	t := &textWriter{o: o}
	t.sentences(p.head())
	t.sheet(p.sheet())
	if t.err != nil {
		return t.err
	}
	_, err := w.Write(t.buf.Bytes())
	return err
}

// ClaimMarkdown writes the section of a Markdown file.
func ClaimMarkdown(w io.Writer, p ClaimPage) error {
	m := &markdownWriter{source: "<sub>Made with " + code(p.Command) + "</sub>"}
	m.heading(2, claimTitle)
	m.sentences(p.head())
	s := p.sheet()
	s.title = "Verdicts"
	m.sheet(s)
	if m.err != nil {
		return m.err
	}
	_, err := w.Write(append(bytes.TrimRight(m.buf.Bytes(), "\n"), '\n'))
	return err
}

const claimTitle = "What was promised, and what was found"

func (p ClaimPage) head() []sentence {
	out := []sentence{{label: "Machine", text: "every one that has runs in " + p.Runs}}
	if p.Machine != nil {
		out[0].text = machine(*p.Machine)
	}
	if p.LeftOut > 0 {
		out = append(out, sentence{"Left out", fmt.Sprintf("%s of other machines in %s; --machine any shows them", counted(p.LeftOut, "run"), p.Runs), doubtful})
	}
	return append(out, sentence{label: "Verdicts", text: tally(p.Lines)})
}

// tally counts the verdicts.
func tally(lines []claims.Line) string {
	var out []string
	for _, v := range []string{record.Supported, record.Refuted, record.QualityFail, record.Inconclusive, record.NotTested} {
		n := 0
		for _, l := range lines {
			if l.Verdict == v {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(out, ", ")
}

// claimGroups are the parts of the table, with their captions.
var claimGroups = []struct{ group, caption string }{
	{claims.Review, "Promises of the review"},
	{claims.Goals, "Its quality goals"},
	{claims.Ours, "Beyond the review (ours)"},
}

func (p ClaimPage) sheet() sheet {
	b := &sheetBuilder{}
	b.sheet.title = claimTitle
	for _, part := range claimGroups {
		g := grid{caption: part.caption, columns: []column{{head: "claim"}, {head: "claimed"}, {head: "measured", right: true}, {head: "check"}, {head: "verdict"}}}
		for _, l := range p.Lines {
			if l.Group == part.group {
				g.rows = append(g.rows, b.claimRows(l, p.Machine == nil)...)
			}
		}
		b.sheet.more = append(b.sheet.more, g)
	}
	b.sheet.more = append(b.sheet.more, b.calibrations(p))
	b.sheet.after = []sentence{{label: "Reading", text: "measured is the deciding arm ÷ its control with the 99 % interval; a verdict compares the whole interval with the nearer end of what was claimed, and needs the check to pass. " +
		"MDE is the smallest distance from it that would have been seen with 95 % power; " + absent + " is absent"}}
	return b.sheet
}

// claimRows are a line with a row for each further metric.
func (b *sheetBuilder) claimRows(l claims.Line, machine bool) [][]entry {
	name := entry{figure: figure{main: l.ID}}
	if l.Scenario != "" && l.Scenario != l.ID {
		name.detail = l.Scenario
	}
	verdict := entry{figure: figure{main: l.Verdict}, tone: toneOf(l.Verdict), notes: []int{b.note(claimNote(l, machine))}}
	if l.Verdict == record.Inconclusive {
		verdict.detail = mdes(l)
	}
	rows := [][]entry{{name, word(l.Claimed), word(absent), checkEntry(l.Check), verdict}}
	for i, m := range l.Measured {
		if i > 0 {
			rows = append(rows, []entry{word(""), word(""), word(""), word(""), word("")})
		}
		f := ratio(m.Comparison)
		f.main = metricName(m.Comparison.Metric) + " " + f.main
		rows[i][2] = entry{figure: f}
	}
	return rows
}

func checkEntry(check string) entry {
	switch check {
	case record.Passed:
		return word(check)
	case record.NotPassed:
		return entry{figure: figure{main: check}, tone: bad}
	}
	return word(absent)
}

// mdes are the smallest distances that would have been seen.
func mdes(l claims.Line) string {
	var out []string
	for _, m := range l.Measured {
		if k := m.Comparison; !k.Exact && !math.IsNaN(k.MDE) {
			out = append(out, percent(k.MDE))
		}
	}
	if out == nil {
		return ""
	}
	return "MDE " + strings.Join(out, " and ")
}

// claimNote says why, where and how to see for oneself.
func claimNote(l claims.Line, machine bool) string {
	parts := []string{l.Reason}
	if l.Device != "" && l.Verdict != record.NotTested {
		parts[0] += ". Holds for " + l.Device
	}
	if l.Run != "" {
		run := "run " + l.Run
		if machine {
			run += " on machine " + l.Machine
		}
		parts = append(parts, run)
	}
	if l.File != "" {
		parts = append(parts, l.File+pointWords(l.Point))
	}
	if l.Command != "" {
		parts = append(parts, "repeat with: "+l.Command)
	}
	return strings.Join(parts, "; ")
}

func pointWords(point map[string]string) string {
	if len(point) == 0 {
		return ""
	}
	return " at " + csvPoint(point)
}

// ClaimJSON writes the lines for programs.
func ClaimJSON(w io.Writer, p ClaimPage) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Schema  int             `json:"schema"`            // record.Schema
		Machine *record.Machine `json:"machine,omitempty"` // whose runs count; absent: every one
		LeftOut int             `json:"left_out"`          // runs of other machines
		Claims  []claims.Line   `json:"claims"`

		Calibrations []calibration.Machine `json:"calibrations,omitempty"` // that are published
	}{record.Schema, p.Machine, p.LeftOut, append([]claims.Line{}, p.Lines...), p.Calibrations})
}

// claimHeader names the columns; columns are added at the end.
var claimHeader = []string{
	"claim", "group", "proposes", "claimed", "scenario", "point", "file", "command", "run", "started", "machine", "device",
	"arm", "control", "metric", "ratio", "low", "high", "confidence", "mde", "op", "bound", "checks", "check", "verdict", "reason",
}

// ClaimCSV writes a row for every line and metric; a line without one has a row.
func ClaimCSV(w io.Writer, p ClaimPage) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(claimHeader); err != nil {
		return err
	}
	for _, l := range p.Lines {
		measured := l.Measured
		if measured == nil {
			measured = []claims.Measured{{}}
		}
		for _, m := range measured {
			row := claimRow(l)
			maps.Copy(row, measuredRow(m))
			fields := make([]string, len(claimHeader))
			for i, name := range claimHeader {
				fields[i] = row[name]
			}
			if err := cw.Write(fields); err != nil {
				return err
			}
		}
	}
	cw.Flush()
	return cw.Error()
}

func claimRow(l claims.Line) csvRow {
	started := ""
	if l.Started != nil {
		started = l.Started.UTC().Format(time.RFC3339)
	}
	return csvRow{"claim": l.ID, "group": l.Group, "proposes": l.Proposes, "claimed": l.Claimed, "scenario": l.Scenario,
		"point": csvPoint(l.Point), "file": l.File, "command": l.Command, "run": l.Run, "started": started, "machine": l.Machine,
		"device": l.Device, "arm": l.Arm, "control": l.Control, "checks": l.Checks, "check": l.Check, "verdict": l.Verdict, "reason": l.Reason}
}

func measuredRow(m claims.Measured) csvRow {
	k := m.Comparison
	if k.Metric == "" {
		return nil
	}
	r := csvRow{"metric": k.Metric, "ratio": number(k.Ratio), "low": number(k.Low), "high": number(k.High),
		"confidence": number(k.Confidence), "op": m.Expect.Op, "bound": number(m.Expect.Ratio)}
	if !k.Exact {
		r["mde"] = number(k.MDE)
	}
	return r
}
