package evaluation

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Width of the text, in columns.
const Width = 100

// abreast is how many classifiers fit beside each other.
const abreast = 3

// WriteText writes the document for people at a terminal.
func (d *Document) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", d.title())
	for _, s := range d.sentences() {
		b.WriteString(wrap(s))
	}
	if err := d.writeMetrics(&b); err != nil {
		return err
	}
	for _, c := range d.Classifiers {
		fmt.Fprintf(&b, "\n%s at its thresholds\n", c.Name)
		if err := writePoints(&b, c); err != nil {
			return err
		}
	}
	b.WriteString(wrap(d.aboutPoints()))
	_, err := w.Write(b.Bytes())
	return err
}

func (d *Document) writeMetrics(b *bytes.Buffer) error {
	for first := 0; first < len(d.Classifiers); first += abreast {
		last := min(first+abreast, len(d.Classifiers))
		head := []string{""}
		for _, c := range d.Classifiers[first:last] {
			head = append(head, c.Name)
		}
		var cells [][]string
		for _, r := range d.rows() {
			line := []string{r.Name}
			for _, f := range r.Values[first:last] {
				line = append(line, f.String())
			}
			cells = append(cells, line)
		}
		b.WriteString("\n")
		if err := writeTable(b, head, cells, tw.AlignLeft); err != nil {
			return err
		}
	}
	return nil
}

func writePoints(b *bytes.Buffer, c Result) error {
	head := []string{"for FPR", "threshold", "TPR", "FPR", "own TPR"}
	for _, p := range Prevalences {
		head = append(head, "purity at\n"+oneIn(p))
	}
	var cells [][]string
	for _, p := range c.Points {
		figures := []figure{percent(p.TPR), percent(p.FPR), percent(p.Own)}
		for _, v := range p.Purity {
			figures = append(figures, purityOf(v, p.Counts))
		}
		above, below := []string{rate(p.Rate), bound(p.Threshold)}, []string{"", ""}
		for _, f := range figures {
			above, below = append(above, f.Main), append(below, f.Bounds)
		}
		cells = append(cells, above, below)
	}
	return writeTable(b, head, cells, tw.AlignRight)
}

// writeTable writes a table without a frame, with a line below its head.
func writeTable(b *bytes.Buffer, head []string, cells [][]string, align tw.Align) error {
	var aligns tw.Alignment
	var padding []tw.Padding
	for i := range head {
		gap := "  "
		if i == len(head)-1 {
			gap = ""
		}
		aligns = append(aligns, align)
		padding = append(padding, tw.Padding{Right: gap, Overwrite: true})
	}
	var text bytes.Buffer
	t := tablewriter.NewTable(&text,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{
				Lines:      tw.Lines{ShowHeaderLine: tw.On},
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
			},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithAlignment(aligns),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: aligns}),
		tablewriter.WithHeaderPaddingPerColumn(padding),
		tablewriter.WithRowPaddingPerColumn(padding),
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
	)
	t.Header(head)
	if err := t.Bulk(cells); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("table: %w", err)
	}
	for line := range strings.Lines(text.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return nil
}

// wrap breaks text into lines of at most Width characters; further lines are
// indented.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case column == 0:
		case column+1+n > Width:
			b.WriteString("\n  ")
			column = 2
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}
