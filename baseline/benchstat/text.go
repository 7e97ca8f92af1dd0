package benchstat

import (
	"fmt"
	"io"
	"math"
	"strings"

	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"
)

// The columns of a grid: the row's name, then per input a value, its ± and
// footnotes; from the second input on also difference, test and footnotes.
const (
	valueCols = 3
	deltaCols = 3
)

// first is the first grid column of input i.
func first(i int) int {
	if i == 0 {
		return 1
	}
	return 1 + valueCols + (i-1)*(valueCols+deltaCols)
}

// WriteText writes the tables as the command does with -format text.
func (t *Tables) WriteText(w io.Writer) error {
	line := func(s string) error {
		_, err := fmt.Fprintln(w, s)
		return err
	}
	return t.walk(line, func(tab *table) error { return tab.writeText(w) })
}

func (t *table) writeText(w io.Writer) error {
	var notes footnotes
	g := &grid{fixed: map[int]bool{}}
	t.putHeader(g)
	for _, row := range t.rows {
		t.putRow(g, &notes, row)
	}
	if len(t.rows) > 1 {
		t.putSummary(g, &notes)
	}
	if err := g.write(w); err != nil {
		return err
	}
	for i, text := range notes.texts {
		if _, err := fmt.Fprintln(w, superscript(i+1), text); err != nil {
			return err
		}
	}
	return nil
}

// putHeader puts the inputs' labels, and below them unit and "vs base".
func (t *table) putHeader(g *grid) {
	const bar = " │ "
	end := first(len(t.cols))
	label := t.cols[0].Projection().FlattenedFields()[0]
	g.line()
	for i, col := range t.cols {
		g.add(piece{first(i), first(i+1) - first(i), col.Get(label), bar, center})
		for c := first(i) + 1; c < first(i+1); c++ {
			g.fixed[c] = true
		}
	}
	g.add(piece{end, 1, "", " │", left})
	g.line()
	for i := range t.cols {
		g.add(piece{first(i), valueCols, t.unit, bar, center})
		if i > 0 {
			g.add(piece{first(i) + valueCols, deltaCols, "vs base", "  ", left})
		}
	}
	g.add(piece{end, 1, "", " │", left})
}

func (t *table) putRow(g *grid, notes *footnotes, row benchproc.Key) {
	g.line()
	g.put(0, row.StringValues(), left)
	scale := t.scale(row)
	for i, col := range t.cols {
		c := t.cells[place{row, col}]
		if c == nil {
			continue
		}
		at := first(i)
		g.put(at, scale.Format(c.summary.Center), right)
		g.add(piece{at + 1, 1, c.summary.PctRangeString(), " ± ", right})
		g.put(at+2, notes.marks(c.sample.Warnings, c.summary.Warnings), left)
		if c.base != nil {
			g.put(at+3, c.delta(), right)
			g.put(at+4, "("+c.versus.String()+")", left)
			g.put(at+5, notes.marks(c.versus.Warnings), left)
		}
	}
}

// delta is the difference to the first column, "~" if it may be noise.
func (c *cell) delta() string {
	return c.versus.FormatDelta(c.base.summary.Center, c.summary.Center)
}

func (t *table) putSummary(g *grid, notes *footnotes) {
	g.line()
	g.put(0, "geomean", left)
	for i, s := range t.summary {
		if !math.IsNaN(s.mean) {
			g.put(first(i), benchunit.Scale(s.mean, t.class), right)
		}
		if i > 0 {
			text, a := s.delta()
			g.put(first(i)+valueCols, text, a)
		}
		g.put(first(i+1)-1, notes.marks(s.warnings), left)
	}
}

func (s summary) delta() (string, align) {
	if math.IsNaN(s.ratio) {
		return "?", left
	}
	return fmt.Sprintf("%+.2f%%", (s.ratio-1)*100), right
}

// footnotes collects warnings, each once.
type footnotes struct{ texts []string }

// marks returns the superscripts of warnings.
func (f *footnotes) marks(lists ...[]error) string {
	var out []string
	for _, list := range lists {
		for _, w := range list {
			out = append(out, superscript(f.number(w.Error())))
		}
	}
	return strings.Join(out, " ")
}

func (f *footnotes) number(text string) int {
	for i, known := range f.texts {
		if known == text {
			return i + 1
		}
	}
	f.texts = append(f.texts, text)
	return len(f.texts)
}

var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
	"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

func superscript(n int) string { return superscripts.Replace(fmt.Sprint(n)) }
