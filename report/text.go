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

// Text writes the report for people at a terminal.
func Text(w io.Writer, run record.Run, v record.Verdicts, o Options) error {
	t := &textWriter{o: o}
	p := newPage(run, v, o)
	t.heading(p.title)
	t.sentences(p.head)
	for _, s := range p.sheets {
		t.sheet(s)
	}
	if p.short.rows != nil {
		t.sheet(sheet{title: "In short", answer: p.short})
	}
	if p.foot != nil {
		t.line("")
		t.sentences(p.foot)
	}
	if t.err != nil {
		return t.err
	}
	_, err := w.Write(t.buf.Bytes())
	return err
}

// A textWriter lays out in memory, so that a report is written whole or not.
type textWriter struct {
	o   Options
	buf bytes.Buffer
	err error
}

func (t *textWriter) line(s string) {
	t.buf.WriteString(strings.TrimRight(s, " ") + "\n")
}

func (t *textWriter) heading(s string) {
	for _, line := range wrap(s, t.o.width()) {
		t.line(t.o.bold(line))
	}
}

func (t *textWriter) sheet(s sheet) {
	t.line("")
	t.heading(s.title)
	t.sentences(s.intro)
	if s.intro != nil && s.answer.rows != nil {
		t.line("")
	}
	t.grid(s.answer)
	if s.verdict.text != "" {
		t.line("")
		t.sentences([]sentence{s.verdict})
	}
	for _, g := range s.more {
		t.line("")
		t.grid(g)
	}
	if s.more == nil && s.verdict.text != "" {
		t.line("")
	}
	for i, text := range s.notes {
		t.hang(superscript(i+1)+" ", text, neutral)
	}
	if s.after != nil {
		t.line("")
		t.sentences(s.after)
	}
}

// labelWidth is the room for the word before a sentence.
const labelWidth = len("Interrupted") + 2

func (t *textWriter) sentences(list []sentence) {
	for _, s := range list {
		t.hang(fmt.Sprintf("%-*s", labelWidth, s.label), s.text, s.tone)
	}
}

// hang writes text after a prefix and its further lines below the first.
func (t *textWriter) hang(prefix, text string, tn tone) {
	indent := columns(prefix)
	for i, line := range wrap(text, t.o.width()-indent) {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		t.line(prefix + t.o.paint(line, tn))
	}
}

// grid writes a table in the first layout that fits, or the narrowest.
func (t *textWriter) grid(g grid) {
	if g.rows == nil {
		return
	}
	if g.caption != "" {
		t.hang("", g.caption, neutral)
	}
	var lines []string
	for _, l := range layouts {
		var err error
		if lines, err = t.render(g, l); err != nil {
			t.err = err
			return
		}
		if widest(lines) <= t.o.width() {
			break
		}
	}
	t.buf.WriteString(strings.Join(lines, "\n") + "\n")
}

// A layout says where details go and how wide columns are.
type layout struct {
	below bool // details go below their figure, not beside it
	words int  // columns that words may take; 0 for as many as they need
	gap   int  // columns between columns
}

// layouts from wide to narrow.
var layouts = []layout{{false, 0, 2}, {true, 0, 2}, {true, 24, 2}, {true, 16, 2}, {true, 12, 2}, {true, 12, 1}, {true, 6, 1}}

func (t *textWriter) render(g grid, l layout) ([]string, error) {
	var b bytes.Buffer
	table := t.table(&b, g, l)
	var head []any
	for _, c := range g.columns {
		head = append(head, c.head)
	}
	table.Header(head...)
	for _, row := range g.rows {
		var cells []string
		for i, e := range row {
			cells = append(cells, t.cell(e, g.columns[i], l))
		}
		if err := table.Append(cells); err != nil {
			return nil, fmt.Errorf("table: %w", err)
		}
	}
	if err := table.Render(); err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines, nil
}

// table has no frame, only a line below its head.
func (t *textWriter) table(w io.Writer, g grid, l layout) *tablewriter.Table {
	var align tw.Alignment
	var padding []tw.Padding
	for i, c := range g.columns {
		a, gap := tw.AlignLeft, strings.Repeat(" ", l.gap)
		if c.right {
			a = tw.AlignRight
		}
		if i == len(g.columns)-1 {
			gap = ""
		}
		align = append(align, a)
		padding = append(padding, tw.Padding{Right: gap, Overwrite: true})
	}
	return tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{
				Lines:      tw.Lines{ShowHeaderLine: tw.On},
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
			},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithAlignment(align),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithHeaderPaddingPerColumn(padding),
		tablewriter.WithRowPaddingPerColumn(padding),
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
	)
}

// cell is an entry as lines of text.
func (t *textWriter) cell(e entry, c column, l layout) string {
	lines := []string{e.main}
	if l.words > 0 && !c.right {
		lines = wrap(e.main, l.words)
	}
	for i, line := range lines {
		lines[i] = t.o.paint(line, e.tone)
	}
	s, marks := strings.Join(lines, "\n"), superscripted(e.notes)
	switch {
	case e.detail == "":
		return s + marks
	case !l.below:
		return s + beside(e, c) + marks
	case c.right:
		return s + marks + "\n" + e.detail
	}
	detail := strings.Split(e.detail, ", ")
	if l.words > 0 {
		var narrow []string
		for _, line := range detail {
			narrow = append(narrow, wrap(line, l.words)...)
		}
		detail = narrow
	}
	return s + marks + "\n" + strings.Join(detail, "\n")
}

// beside is the detail on the line of its figure; behind a word it stands in
// parentheses.
func beside(e entry, c column) string {
	switch {
	case e.detail == "":
		return ""
	case c.right:
		return " " + e.detail
	}
	return " (" + e.detail + ")"
}

func widest(lines []string) int {
	w := 0
	for _, line := range lines {
		w = max(w, columns(line))
	}
	return w
}
