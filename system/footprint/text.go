package footprint

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"lensbench/torch"
)

// mebibyte is the unit of the table.
const mebibyte = 1 << 20

// Text writes a table for people. Its rows add up but for rounding; those of JSON do
// exactly.
func (f *Footprint) Text(w io.Writer) error {
	var b strings.Builder
	s := f.Settings
	fmt.Fprintf(&b, "%s: %s trainable values; %d images of %d×%d pixels in %d bands, %s\n\n",
		s.Model, humanize.Comma(f.Trainable), s.Batch, s.Pixels, s.Pixels, s.Bands, plural(s.Threads, "thread"))
	fmt.Fprintf(&b, "%-14s", "MiB at peak")
	for _, c := range torch.Categories {
		fmt.Fprintf(&b, "%13s", c)
	}
	fmt.Fprintf(&b, "%11s%9s\n", "tensors", "RSS")
	for _, row := range f.stages() {
		b.WriteString(row.line() + "\n")
	}
	fmt.Fprintf(&b, "\nActivations alone are at most %s in the later steps. Rows add up but for rounding; those\nof --json do exactly. RSS is the process's highest so far, with libraries and their scratch memory.\n",
		mebibytes(f.Later.Activations))
	_, err := io.WriteString(w, b.String())
	return err
}

func (r staged) line() string {
	name, rss := r.Name, ""
	if r.phase {
		name = "  " + name
	} else {
		rss = strconv.FormatFloat(float64(r.RSSPeak)/mebibyte, 'f', 0, 64)
	}
	line := fmt.Sprintf("%-14s", name)
	for _, c := range torch.Categories {
		line += fmt.Sprintf("%13.2f", float64(r.AtPeak[c])/mebibyte)
	}
	return strings.TrimRight(line+fmt.Sprintf("%11.2f%9s", float64(r.Peak)/mebibyte, rss), " ")
}

func mebibytes(n int64) string { return fmt.Sprintf("%.2f MiB", float64(n)/mebibyte) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
