package benchstat

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"

	"golang.org/x/perf/benchproc"
)

// WriteCSV writes the tables as the command does with -format csv. What the
// text has as footnotes goes to warnings, each after the cell that it is about,
// in the notation of a spreadsheet.
func (t *Tables) WriteCSV(w, warnings io.Writer) error {
	s := &sheet{w: csv.NewWriter(w), warnings: warnings, row: 1}
	line := func(text string) error {
		s.record = []string{text}
		return s.end()
	}
	if err := t.walk(line, s.table); err != nil {
		return err
	}
	s.w.Flush()
	return s.w.Error()
}

// A sheet writes records and knows where it is.
type sheet struct {
	w        *csv.Writer
	warnings io.Writer
	row      int // of record, from 1
	record   []string
}

// csvFirst is the first field of input i: a name, then value and ± for each
// input, and from the second input on difference and test.
func csvFirst(i int) int {
	if i == 0 {
		return 1
	}
	return 1 + 2 + 4*(i-1)
}

func (s *sheet) table(t *table) error {
	label := t.cols[0].Projection().FlattenedFields()[0]
	for i, col := range t.cols {
		s.to(csvFirst(i))
		s.add(col.Get(label))
	}
	s.to(csvFirst(len(t.cols)))
	if err := s.end(); err != nil {
		return err
	}
	for i := range t.cols {
		s.to(csvFirst(i))
		s.add(t.unit, "CI")
		if i > 0 {
			s.add("vs base", "P")
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := s.cells(t, row); err != nil {
			return err
		}
	}
	return s.summary(t)
}

func (s *sheet) cells(t *table, row benchproc.Key) error {
	s.add(row.StringValues())
	for i, col := range t.cols {
		c := t.cells[place{row, col}]
		if c == nil {
			continue
		}
		s.to(csvFirst(i))
		s.warn(c.sample.Warnings, c.summary.Warnings)
		s.add(fmt.Sprint(c.summary.Center), c.summary.PctRangeString())
		if c.base != nil {
			s.warn(c.versus.Warnings)
			s.add(c.delta(), c.versus.String())
		}
	}
	return s.end()
}

func (s *sheet) summary(t *table) error {
	s.add("geomean")
	for i, sum := range t.summary {
		s.to(csvFirst(i))
		s.warn(sum.warnings)
		if !math.IsNaN(sum.mean) {
			s.add(fmt.Sprint(sum.mean))
		}
		if i > 0 {
			s.to(csvFirst(i) + 2)
			text, _ := sum.delta()
			s.add(text)
		}
	}
	s.to(csvFirst(len(t.cols)))
	return s.end()
}

func (s *sheet) add(fields ...string) { s.record = append(s.record, fields...) }

// to fills the record with empty fields up to field n.
func (s *sheet) to(n int) {
	for len(s.record) < n {
		s.record = append(s.record, "")
	}
}

func (s *sheet) end() error {
	err := s.w.Write(s.record)
	s.record = s.record[:0]
	s.row++
	return err
}

func (s *sheet) warn(lists ...[]error) {
	for _, list := range lists {
		for _, w := range list {
			fmt.Fprintf(s.warnings, "%s%d: %v\n", column(len(s.record)), s.row, w)
		}
	}
}

// column names field n ≥ 0 in digits A to Z of base 26, as the command does;
// a spreadsheet goes on with AA after Z, the command with BA.
func column(n int) string {
	name := string(rune('A' + n%26))
	for n /= 26; n > 0; n /= 26 {
		name = string(rune('A'+n%26)) + name
	}
	return name
}
