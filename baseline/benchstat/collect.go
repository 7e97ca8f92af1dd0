package benchstat

import (
	"fmt"
	"io"
	"math"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"
)

// A collector sorts the results of all inputs into groups, one per table.
type collector struct {
	reader   benchfmt.Reader // one for all inputs: unit metadata carries over
	problems []error
	groups   map[benchproc.Key]*group

	byTable, byRow, byCol *benchproc.Projection
	unit                  *benchproc.Field
}

// A group holds the values of one table.
type group struct {
	rows, cols map[benchproc.Key]bool
	values     map[place][]float64
}

func newCollector() (*collector, error) {
	c := &collector{groups: map[benchproc.Key]*group{}}
	filter, err := benchproc.NewFilter("*")
	if err != nil {
		return nil, err
	}
	// The three share a parser, so that .config leaves out .file.
	var p benchproc.ProjectionParser
	if c.byTable, c.unit, err = p.ParseWithUnit(".config", filter); err != nil {
		return nil, err
	}
	if c.byRow, err = p.Parse(".fullname", filter); err != nil {
		return nil, err
	}
	c.byCol, err = p.Parse(".file", filter)
	return c, err
}

func (c *collector) read(r io.Reader, label string) error {
	c.reader.Reset(r, label, ".file", label)
	for c.reader.Scan() {
		switch rec := c.reader.Result().(type) {
		case *benchfmt.SyntaxError:
			c.problems = append(c.problems, rec)
		case *benchfmt.Result:
			c.add(rec)
		}
	}
	return c.reader.Err()
}

// add files the values of a line under their tables. A value that is not a
// number is a problem: with one, the command's U test does not end.
func (c *collector) add(r *benchfmt.Result) {
	at := place{c.byRow.Project(r), c.byCol.Project(r)}
	for i, key := range c.byTable.ProjectValues(r) {
		if v := r.Values[i]; math.IsNaN(v.Value) {
			file, line := r.Pos()
			c.problems = append(c.problems, fmt.Errorf("%s:%d: %s of %s is not a number", file, line, v.Unit, r.Name))
			continue
		}
		g := c.groups[key]
		if g == nil {
			g = &group{map[benchproc.Key]bool{}, map[benchproc.Key]bool{}, map[place][]float64{}}
			c.groups[key] = g
		}
		g.rows[at.row], g.cols[at.col] = true, true
		g.values[at] = append(g.values[at], r.Values[i].Value)
	}
}

func (c *collector) table(key benchproc.Key) *table {
	g := c.groups[key]
	unit := key.Get(c.unit)
	t := &table{
		key:    key,
		unit:   unit,
		class:  benchunit.ClassOf(unit),
		assume: c.reader.Units().GetAssumption(unit),
		rows:   keysOf(g.rows),
		cols:   keysOf(g.cols),
		cells:  map[place]*cell{},
	}
	thresholds := benchmath.DefaultThresholds
	for at, values := range g.values {
		t.cells[at] = &cell{sample: benchmath.NewSample(values, &thresholds)}
	}
	t.compute()
	return t
}

// keysOf returns the keys of m in the order in which they were first seen.
func keysOf[V any](m map[benchproc.Key]V) []benchproc.Key {
	keys := make([]benchproc.Key, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	benchproc.SortKeys(keys)
	return keys
}
