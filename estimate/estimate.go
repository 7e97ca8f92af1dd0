// Package estimate says how long a scenario will take before it is run, from the best
// source there is:
//
//	Measured   its cells have run on this machine: the seconds of a block, and those of
//	           all else in a restart (starts, warm-up, checks, memory passes), times how
//	           many there are to be
//	Usual      it has run on a machine of two cores (usual.txt)
//	Reckoned   the same, reckoned from the length of its iterations
//	Guessed    what its plan says alone, as if no iteration took longer than a sample
//
// Not here: how long a run still takes while it goes on (package runner).
package estimate

import (
	"bufio"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"lensbench/record"
)

// A Source is what an estimate comes from.
type Source string

// The sources, the best first.
const (
	Measured Source = "measured"
	Usual    Source = "usual"
	Reckoned Source = "reckoned"
	Guessed  Source = "guessed"
)

// An Estimate is how long a scenario takes.
type Estimate struct {
	Seconds float64 `json:"seconds"`
	Source  Source  `json:"source"`
	Run     string  `json:"run,omitempty"` // ID of the newest run that was Measured
}

// A Past is a run of this machine with its journal.
type Past struct {
	Run     record.Run
	Entries []record.Entry
}

// Of estimates the scenario of that name with these cells; past runs come oldest first.
func Of(name string, cells []record.Cell, past []Past) Estimate {
	if e, ok := measured(cells, past); ok {
		return e
	}
	if e, ok := usual[name]; ok {
		return e
	}
	return guess(cells)
}

// measured adds up the cells, if each has run here; the newest run of a cell counts.
func measured(cells []record.Cell, past []Past) (e Estimate, ok bool) {
	e.Source = Measured
	for _, c := range cells {
		found := false
		for i := len(past) - 1; i >= 0 && !found; i-- {
			var r rates
			if r, found = past[i].rates(c.ID); found {
				e.Seconds += r.of(c.Plan)
				e.Run = max(e.Run, past[i].Run.ID) // IDs sort by time
			}
		}
		if !found {
			return e, false
		}
	}
	return e, len(cells) > 0
}

// rates are the seconds that parts of a cell took.
type rates struct{ block, rest float64 }

func (r rates) of(p record.Plan) float64 {
	return float64(p.Restarts) * (float64(p.Blocks)*r.block + r.rest)
}

// rates of a cell, if it was measured and not cut short by what became of its control.
// The time up to an entry is that of its cell; while a run was stopped, of none.
func (p Past) rates(cell string) (r rates, ok bool) {
	last, blocks, restarts := 0.0, 0, map[int]bool{}
	for _, e := range p.Entries {
		took := e.Time - last
		last = e.Time
		switch {
		case e.Cell != cell || e.Kind == record.KindResume:
		case e.Status != nil && e.Status.Arm == "":
			return r, false
		case e.Block != nil:
			blocks++
			restarts[e.Block.Restart] = true
			r.block += took
		default:
			r.rest += took
		}
	}
	if blocks == 0 {
		return r, false
	}
	r.block /= float64(blocks)
	r.rest /= float64(len(restarts))
	return r, true
}

//go:embed usual.txt
var usualText string

var usual = read(usualText)

// read reads lines of a name and seconds, with a tilde where they are reckoned.
func read(text string) map[string]Estimate {
	out := map[string]Estimate{}
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		name, number, _ := strings.Cut(s.Text(), " ")
		e := Estimate{Source: Usual}
		if reckoned, ok := strings.CutPrefix(number, "~"); ok {
			number, e.Source = reckoned, Reckoned
		}
		var err error
		if e.Seconds, err = strconv.ParseFloat(number, 64); err != nil {
			panic(fmt.Sprintf("estimate: usual.txt: %q is no name with its seconds", s.Text()))
		}
		out[name] = e
	}
	return out
}

// start is what a worker takes to load libtorch and to be prepared, in seconds.
const start = 3

// guess takes an iteration for no longer than a sample, and one before each is not timed.
func guess(cells []record.Cell) Estimate {
	e := Estimate{Source: Guessed}
	for _, c := range cells {
		arms := float64(len(c.Arms))
		r := rates{block: 2 * arms * c.Plan.SampleSeconds, rest: arms * (start + float64(c.Plan.Warmup)*c.Plan.SampleSeconds)}
		e.Seconds += r.of(c.Plan)
	}
	return e
}
