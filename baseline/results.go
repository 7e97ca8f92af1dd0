package baseline

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/perf/benchfmt"

	"lensbench/record"
)

// Results are what a .bench file holds.
type Results struct {
	Machine record.Machine // zero unless Known
	Known   bool           // the file says on which machine; other tools' files do not
	Lines   []Line
	Units   []UnitFact
}

// A Line is one line of results: here, one restart of one arm.
type Line struct {
	Name       string // without the word Benchmark
	Iterations int
	Values     []Value
}

// A Value is one measurement of a line, in a base unit.
type Value struct {
	Unit  string
	Value float64
}

// A UnitFact is what a Unit line says, such as better=higher of samples/s.
type UnitFact struct{ Unit, Key, Value string }

// ErrNoResults means that a file in the Go benchmark format has no results.
var ErrNoResults = errors.New("no benchmark results")

// ReadBench reads results in the Go benchmark format, from WriteBench or any
// other tool. It stops at the first line that is malformed or that comes from
// another machine than the lines before; errors begin with name and line.
func ReadBench(r io.Reader, name string) (Results, error) {
	var res Results
	br := benchfmt.NewReader(r, name)
	for br.Scan() {
		var err error
		switch rec := br.Result().(type) {
		case *benchfmt.SyntaxError:
			err = rec
		case *benchfmt.UnitMetadata:
			res.Units = append(res.Units, UnitFact{rec.Unit, rec.Key, rec.Value})
		case *benchfmt.Result:
			err = res.add(rec)
		}
		if err != nil {
			return Results{}, err
		}
	}
	if err := br.Err(); err != nil {
		return Results{}, err
	}
	if len(res.Lines) == 0 {
		return Results{}, fmt.Errorf("%s: %w", name, ErrNoResults)
	}
	return res, nil
}

func (res *Results) add(r *benchfmt.Result) error {
	file, line := r.Pos()
	m, known, err := machineOf(r)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", file, line, err)
	}
	if len(res.Lines) > 0 && m != res.Machine {
		return fmt.Errorf("%s:%d: from another machine than the lines before: %v; want a file for each machine",
			file, line, m.Differences(res.Machine))
	}
	res.Machine, res.Known = m, known
	l := Line{Name: r.Name.String(), Iterations: r.Iters}
	for _, v := range r.Values {
		l.Values = append(l.Values, Value{v.Unit, v.Value})
	}
	res.Lines = append(res.Lines, l)
	return nil
}

// Write writes the results in the Go benchmark format.
func (res Results) Write(w io.Writer) error {
	bw := benchfmt.NewWriter(w)
	for _, u := range res.Units {
		rec := &benchfmt.UnitMetadata{OrigUnit: u.Unit, Value: u.Value}
		rec.Unit, rec.Key = u.Unit, u.Key
		if err := bw.Write(rec); err != nil {
			return err
		}
	}
	var config []benchfmt.Config
	if res.Known {
		config = configuration(res.Machine)
	}
	for _, l := range res.Lines {
		rec := &benchfmt.Result{Config: config, Name: benchfmt.Name(l.Name), Iters: l.Iterations}
		for _, v := range l.Values {
			rec.Values = append(rec.Values, benchfmt.Value{Unit: v.Unit, Value: v.Value})
		}
		if err := bw.Write(rec); err != nil {
			return err
		}
	}
	return nil
}
