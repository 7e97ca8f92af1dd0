package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"lensbench/record"
)

// Markdown writes the section of RESULTS.md: what Text says, the short table
// first. Below every table stands where and when it was measured and the
// command that repeats it, so that a table may be copied elsewhere.
func Markdown(w io.Writer, run record.Run, v record.Verdicts, o Options) error {
	p := newPage(run, v, o)
	m := &markdownWriter{source: source(run)}
	m.heading(2, p.title)
	m.sentences(p.head)
	m.grid(p.short)
	for _, s := range p.sheets {
		m.sheet(s)
	}
	m.heading(3, "About these numbers")
	m.sentences(p.foot)
	if m.err != nil {
		return m.err
	}
	_, err := w.Write(append(bytes.TrimRight(m.buf.Bytes(), "\n"), '\n'))
	return err
}

// source is the line below a table.
func source(run record.Run) string {
	s := fmt.Sprintf("Run %s, %s, %s", run.ID, run.Started.UTC().Format("2006-01-02"), machine(run.Machine))
	s = escape(s)
	if len(run.Command) > 0 {
		s += "; repeat with " + code(strings.Join(run.Command, " "))
	}
	return "<sub>" + s + "</sub>"
}

type markdownWriter struct {
	source string
	buf    bytes.Buffer
	err    error
}

// paragraph writes text and a blank line.
func (m *markdownWriter) paragraph(text string) { m.buf.WriteString(text + "\n\n") }

func (m *markdownWriter) heading(level int, text string) {
	m.paragraph(strings.Repeat("#", level) + " " + escape(text))
}

func (m *markdownWriter) sentences(list []sentence) {
	if list == nil {
		return
	}
	for _, s := range list {
		fmt.Fprintf(&m.buf, "- **%s:** %s\n", escape(s.label), escape(s.text))
	}
	m.buf.WriteByte('\n')
}

func (m *markdownWriter) sheet(s sheet) {
	m.heading(3, s.title)
	m.sentences(s.intro)
	m.grid(s.answer)
	if s.verdict.text != "" {
		m.paragraph(fmt.Sprintf("**%s: %s**", s.verdict.label, escape(s.verdict.text)))
	}
	for _, g := range s.more {
		m.grid(g)
	}
	for i, note := range s.notes {
		m.paragraph(superscript(i+1) + " " + escape(note))
	}
	m.sentences(s.after)
}

func (m *markdownWriter) grid(g grid) {
	if g.rows == nil {
		return
	}
	if g.caption != "" {
		m.paragraph(escape(g.caption) + ":")
	}
	if err := m.table(g); err != nil {
		m.err = fmt.Errorf("table: %w", err)
	}
	m.paragraph("\n" + m.source)
}

func (m *markdownWriter) table(g grid) error {
	var head []any
	var align tw.Alignment
	for _, c := range g.columns {
		head = append(head, c.head)
		if c.right {
			align = append(align, tw.AlignRight)
		} else {
			align = append(align, tw.AlignLeft)
		}
	}
	t := tablewriter.NewTable(&m.buf,
		tablewriter.WithRenderer(renderer.NewMarkdown()),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithAlignment(align),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithEastAsian(tw.Off),
	)
	t.Header(head...)
	for _, row := range g.rows {
		var cells []string
		for i, e := range row {
			cells = append(cells, markdownCell(e, g.columns[i]))
		}
		if err := t.Append(cells); err != nil {
			return err
		}
	}
	return t.Render()
}

// markdownCell stresses good and bad news: Markdown has no colour.
func markdownCell(e entry, c column) string {
	s := escape(e.main)
	if e.tone == good || e.tone == bad {
		s = "**" + s + "**"
	}
	return s + escape(beside(e, c)) + superscripted(e.notes)
}

var escaper = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", `\<`, "|", `\|`, "~", `\~`, "](", `]\(`,
	"\n", " ", "\r", " ")

// escape makes text stand in Markdown for itself, on one line.
func escape(s string) string { return escaper.Replace(s) }

// code sets s in a code span, whose fence must be longer than any run of
// backquotes inside.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		s = " " + s + " "
	}
	return fence + s + fence
}
