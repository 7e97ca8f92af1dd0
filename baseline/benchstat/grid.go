package benchstat

import (
	"bufio"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// A grid lays out lines of pieces in columns of a fixed-width font. A piece
// has a margin before it; the margins of a column are as wide as its widest.
type grid struct {
	lines  [][]piece
	fixed  map[int]bool // columns that a wide piece may not widen
	margin []int        // runes, per column
	width  []int        // runes with margin, per column
}

// A piece is text over one or more columns.
type piece struct {
	col, span int
	text      string
	margin    string
	align     align
}

type align int

const (
	left align = iota
	center
	right
)

// line starts a line.
func (g *grid) line() { g.lines = append(g.lines, nil) }

// put adds a piece of one column with a blank as its margin.
func (g *grid) put(col int, text string, a align) {
	margin := " "
	if col == 0 || text == "" {
		margin = ""
	}
	g.add(piece{col, 1, text, margin, a})
}

func (g *grid) add(p piece) {
	last := len(g.lines) - 1
	g.lines[last] = append(g.lines[last], p)
}

// write lays the grid out.
func (g *grid) write(w io.Writer) error {
	g.measure()
	b := bufio.NewWriter(w)
	for _, line := range g.lines {
		g.writeLine(b, line)
	}
	return b.Flush()
}

// measure sets the widths of columns: first by pieces of one column, then by
// wider pieces, narrow before wide, which widen the first column that is not
// fixed by what they lack.
func (g *grid) measure() {
	var wide []piece
	n := 0
	for _, line := range g.lines {
		for _, p := range line {
			n = max(n, p.col+p.span)
		}
	}
	g.margin, g.width = make([]int, n), make([]int, n)
	for _, line := range g.lines {
		for _, p := range line {
			g.margin[p.col] = max(g.margin[p.col], runes(p.margin))
		}
	}
	for _, line := range g.lines {
		for _, p := range line {
			if p.span > 1 {
				wide = append(wide, p)
				continue
			}
			g.width[p.col] = max(g.width[p.col], g.margin[p.col]+runes(p.text))
		}
	}
	sort.SliceStable(wide, func(i, j int) bool { return wide[i].span < wide[j].span })
	for _, p := range wide {
		g.widen(p)
	}
}

func (g *grid) widen(p piece) {
	lack := g.margin[p.col] + runes(p.text) - (g.offset(p.col+p.span) - g.offset(p.col))
	for col := p.col; col < p.col+p.span && lack > 0; col++ {
		if !g.fixed[col] {
			g.width[col] += lack
			return
		}
	}
}

// offset is where the margin of a column begins.
func (g *grid) offset(col int) int {
	sum := 0
	for _, w := range g.width[:col] {
		sum += w
	}
	return sum
}

func (g *grid) writeLine(b *bufio.Writer, line []piece) {
	at := 0
	for _, p := range line {
		if strings.TrimSpace(p.text) == "" && strings.TrimSpace(p.margin) == "" {
			continue // no blanks at the end of a line
		}
		start, margin := g.offset(p.col), g.margin[p.col]
		blanks(b, start-at)
		blanks(b, margin-runes(p.margin))
		b.WriteString(p.margin)
		room := g.offset(p.col+p.span) - start - margin
		at = start + margin + g.writeText(b, p, room)
	}
	b.WriteByte('\n')
}

// writeText writes the piece into its room and returns the width written.
func (g *grid) writeText(b *bufio.Writer, p piece, room int) int {
	n, pad := runes(p.text), 0
	switch p.align {
	case center:
		pad = (room - n) / 2
	case right:
		pad = max(0, room-n)
	}
	blanks(b, pad)
	b.WriteString(p.text)
	return n + max(pad, -pad)
}

// blanks writes |n| blanks. A negative n occurs where a piece did not fit its
// fixed columns; fmt's %*s, with which the command pads, ignores the sign too.
func blanks(b *bufio.Writer, n int) { b.WriteString(strings.Repeat(" ", max(n, -n))) }

func runes(s string) int { return utf8.RuneCountInString(s) }
