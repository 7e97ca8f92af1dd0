package benchstat

import (
	"fmt"
	"io"
	"math"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"
)

// Confidence is the level of the intervals behind the ± of a table.
const Confidence = 0.95

// An Input is one column: results in the Go benchmark format.
type Input struct {
	Label string // heads the column; inputs of equal label are numbered
	Data  io.Reader
}

// Tables compare inputs, one table per configuration and unit.
type Tables struct {
	// Problems are the lines that could not be read and were left out, each
	// with its label and line.
	Problems []error

	tables []*table
}

// Empty says whether the inputs held no result at all.
func (t *Tables) Empty() bool { return len(t.tables) == 0 }

// A table has a row per benchmark and a column per input.
type table struct {
	key     benchproc.Key // configuration and unit
	unit    string
	class   benchunit.Class
	assume  benchmath.Assumption
	rows    []benchproc.Key
	cols    []benchproc.Key
	cells   map[place]*cell
	summary []summary // of each column
}

// A place is where a cell stands.
type place struct{ row, col benchproc.Key }

// A cell is one benchmark of one input.
type cell struct {
	sample  *benchmath.Sample
	summary benchmath.Summary
	base    *cell // same row in the first column; nil there, or if absent
	versus  benchmath.Comparison
}

// A summary is the last line of a column: geometric means.
type summary struct {
	mean     float64 // of the centers; NaN if they have none
	ratio    float64 // of the ratios to the first column; NaN if they have none
	warnings []error
}

// Read reads all inputs to their end. A malformed line is a Problem; the error
// is for inputs that cannot be read.
func Read(inputs []Input) (*Tables, error) {
	c, err := newCollector()
	if err != nil {
		return nil, err
	}
	labels := distinct(inputs)
	for i, in := range inputs {
		if err := c.read(in.Data, labels[i]); err != nil {
			return nil, err
		}
	}
	t := &Tables{Problems: c.problems}
	keys := keysOf(c.groups)
	for _, key := range keys {
		t.tables = append(t.tables, c.table(key))
	}
	return t, nil
}

// distinct numbers the labels that occur more than once.
func distinct(inputs []Input) []string {
	count := map[string]int{}
	for _, in := range inputs {
		count[in.Label]++
	}
	next := map[string]int{}
	labels := make([]string, len(inputs))
	for i, in := range inputs {
		labels[i] = in.Label
		if count[in.Label] > 1 {
			labels[i] = fmt.Sprintf("%s#%d", in.Label, next[in.Label])
			next[in.Label]++
		}
	}
	return labels
}

// compute fills in what the values of the cells say.
func (t *table) compute() {
	for _, row := range t.rows {
		base := t.cells[place{row, t.cols[0]}]
		for i, col := range t.cols {
			c := t.cells[place{row, col}]
			if c == nil {
				continue
			}
			c.summary = t.assume.Summary(c.sample, Confidence)
			if i > 0 && base != nil {
				c.base = base
				c.versus = t.assume.Compare(base.sample, c.sample)
			}
		}
	}
	for i := range t.cols {
		t.summary = append(t.summary, t.summarize(i))
	}
}

// summarize makes the last line of column i. The ratio is the mean of the
// rows' ratios, not the ratio of the means: the two agree only if both columns
// have the same rows.
func (t *table) summarize(i int) summary {
	s := summary{ratio: math.NaN()}
	var centers, ratios []float64
	paired, undefined := 0, false
	for _, row := range t.rows {
		c := t.cells[place{row, t.cols[i]}]
		if c == nil {
			continue
		}
		centers = append(centers, c.summary.Center)
		if c.base == nil {
			continue
		}
		paired++
		r, ok := ratio(c.summary.Center, c.base.summary.Center)
		ratios = append(ratios, r)
		undefined = undefined || !ok
	}
	if i > 0 && paired != t.filled(0) {
		s.warn("benchmark set differs from baseline; geomeans may not be comparable")
	}
	if s.mean = stats.GeoMean(centers); math.IsNaN(s.mean) {
		s.warn("summaries must be >0 to compute geomean")
	}
	if i > 0 && !undefined {
		if s.ratio = stats.GeoMean(ratios); math.IsNaN(s.ratio) {
			s.warn("ratios must be >0 to compute geomean")
		}
	}
	return s
}

func (s *summary) warn(text string) { s.warnings = append(s.warnings, fmt.Errorf("%s", text)) }

// filled counts the cells of column i.
func (t *table) filled(i int) int {
	n := 0
	for _, row := range t.rows {
		if t.cells[place{row, t.cols[i]}] != nil {
			n++
		}
	}
	return n
}

// ratio is a ÷ b with 0 ÷ 0 = 1; not ok if b alone is 0.
func ratio(a, b float64) (r float64, ok bool) {
	switch {
	case a == b:
		return 1, true
	case b == 0:
		return 0, false
	}
	return a / b, true
}

// scale is the common scale of a row's values.
func (t *table) scale(row benchproc.Key) benchunit.Scaler {
	var centers []float64
	for _, col := range t.cols {
		if c := t.cells[place{row, col}]; c != nil {
			centers = append(centers, c.summary.Center)
		}
	}
	return benchunit.CommonScale(centers, t.class)
}

// walk calls line with every field of the configuration that differs from the
// table before it, and with "" between tables, then body with each table.
func (t *Tables) walk(line func(string) error, body func(*table) error) error {
	var before benchproc.Key
	for i, tab := range t.tables {
		if i > 0 {
			if err := line(""); err != nil {
				return err
			}
		}
		for _, head := range changes(before, tab.key) {
			if err := line(head); err != nil {
				return err
			}
		}
		before = tab.key
		if err := body(tab); err != nil {
			return err
		}
	}
	return nil
}

// changes lists the configuration of key as "name: value", without what was
// the same in the table before; before is zero for the first table.
func changes(before, key benchproc.Key) []string {
	var out []string
	for _, f := range key.Projection().FlattenedFields() {
		if f.Name == ".unit" {
			continue // heads the columns
		}
		v := key.Get(f)
		if before.IsZero() || v != before.Get(f) {
			out = append(out, f.Name+": "+v)
		}
	}
	return out
}
