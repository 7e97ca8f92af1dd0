package baseline

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// WriteBench writes a run in the Go benchmark format: the lines of Export, and
// before them, in lines that readers of the format skip, where they are from.
func WriteBench(w io.Writer, run record.Run, entries []record.Entry) error {
	_, err := fmt.Fprintf(w, "# run %s of %s\n# again: %s\n", oneLine(run.ID),
		run.Started.UTC().Format(time.RFC3339), oneLine(strings.Join(run.Command, " ")))
	if err != nil {
		return err
	}
	return Export(run, entries).Write(w)
}

// Export makes of every arm of every cell one line per restart with at least
// one block.
func Export(run record.Run, entries []record.Entry) Results {
	res := Results{Machine: run.Machine, Known: true, Units: unitFacts}
	sums := collect(entries)
	for _, cell := range run.Cells {
		for _, arm := range cell.Arms {
			for _, s := range sums[source{cell.ID, arm.Name}] {
				if s.iterations > 0 {
					res.Lines = append(res.Lines, Line{Name(cell, arm.Name), s.iterations, s.values()})
				}
			}
		}
	}
	return res
}

// A source is an arm of a cell.
type source struct{ cell, arm string }

// A sum gathers one restart of one arm.
type sum struct {
	restart    int
	iterations int
	items      int
	wall, cpu  float64 // s
	durations  []float64
	start      float64 // s, 0 if absent, and so below
	first      float64 // s
	tensors    int64   // bytes
	rss        int64   // bytes
}

// collect sorts the journal by arm and restart, in the order of restarts.
func collect(entries []record.Entry) map[source][]*sum {
	sums := map[source][]*sum{}
	at := func(cell, arm string, restart int) *sum {
		key := source{cell, arm}
		i, ok := slices.BinarySearchFunc(sums[key], restart, func(s *sum, r int) int { return s.restart - r })
		if !ok {
			sums[key] = slices.Insert(sums[key], i, &sum{restart: restart})
		}
		return sums[key][i]
	}
	for _, e := range entries {
		switch {
		case e.Block != nil:
			for _, s := range e.Block.Samples {
				at(e.Cell, s.Arm, e.Block.Restart).add(s)
			}
		case e.Worker != nil && e.Worker.Pass == protocol.PassTime:
			s := at(e.Cell, e.Worker.Arm, e.Worker.Restart)
			s.start, s.first = e.Worker.Start, e.Worker.First
		case e.Memory != nil:
			s := at(e.Cell, e.Memory.Arm, e.Memory.Restart)
			s.tensors = max(s.tensors, e.Memory.TensorPeak)
		}
	}
	return sums
}

func (s *sum) add(x record.Sample) {
	s.iterations += x.Iterations
	s.items += x.Said.Items
	s.wall += x.Said.Wall
	s.cpu += x.Said.CPU
	s.durations = append(s.durations, x.Said.Latency()...)
	s.rss = max(s.rss, x.Said.RSSPeak)
}

// values are the measurements of a line; what is absent is left out, since 0
// would be a measurement.
func (s *sum) values() []Value {
	n := float64(s.iterations)
	all := []Value{
		{Unit: UnitTime, Value: s.wall / n},
		{Unit: UnitMedian, Value: s.median()},
		{Unit: UnitCPU, Value: s.cpu / n},
		{Unit: UnitThroughput, Value: float64(s.items) / s.wall},
		{Unit: UnitStart, Value: s.start},
		{Unit: UnitFirst, Value: s.first},
		{Unit: UnitTensors, Value: float64(s.tensors)},
		{Unit: UnitRSS, Value: float64(s.rss)},
	}
	return slices.DeleteFunc(all, func(v Value) bool { return v.Value == 0 })
}

// median is that of the iterations, 0 where there are too few for one.
func (s *sum) median() float64 {
	r, err := verdict.Quantile([][]float64{s.durations}, 0.5)
	if err != nil {
		return 0
	}
	return r.Value
}
