package estimate

import (
	"math"
	"testing"

	"lensbench/record"
	"lensbench/scenarios"
)

// ran is a run of a cell: starts of 5 s, blocks of 2 s, a memory pass of 4 s. Another
// cell came before, and the run was stopped for an hour.
func ran(id string, restarts, blocks int) Past {
	p := Past{Run: record.Run{ID: id}}
	now := 0.0
	add := func(seconds float64, e record.Entry) {
		now += seconds
		e.Time = now
		p.Entries = append(p.Entries, e)
	}
	add(100, record.Entry{Kind: record.KindBlock, Cell: "other", Block: &record.BlockEntry{}})
	for r := range restarts {
		add(5, record.Entry{Kind: record.KindWorker, Cell: "c", Worker: &record.WorkerEntry{Restart: r}})
		if r == 1 {
			add(3600, record.Entry{Kind: record.KindResume})
		}
		for b := range blocks {
			add(2, record.Entry{Kind: record.KindBlock, Cell: "c", Block: &record.BlockEntry{Restart: r, Block: b}})
		}
	}
	add(4, record.Entry{Kind: record.KindMemory, Cell: "c", Memory: &record.MemoryEntry{}})
	return p
}

func cell(id string, restarts, blocks int) record.Cell {
	return record.Cell{ID: id, Arms: make([]record.Arm, 2), Plan: record.Plan{Restarts: restarts, Blocks: blocks, Warmup: 1, SampleSeconds: 0.5}}
}

// TestMeasured: a run with fewer restarts and blocks tells what more of them take.
func TestMeasured(t *testing.T) {
	past := []Past{ran("1", 9, 9), ran("2", 2, 3), ran("0", 0, 0)}
	e := Of("x", []record.Cell{cell("c", 8, 10)}, past)
	// 8 restarts of 10 blocks of 2 s, 5 s to start, and half of the memory pass.
	if want := 8 * (10*2 + 5 + 4./2); math.Abs(e.Seconds-want) > 1e-9 || e.Source != Measured || e.Run != "2" {
		t.Errorf("%+v; want %v s from run 2", e, want)
	}
	lost := ran("3", 2, 3)
	lost.Entries = append(lost.Entries, record.Entry{Kind: record.KindStatus, Cell: "c", Status: &record.StatusEntry{Status: record.Skipped}})
	if e := Of("x", []record.Cell{cell("c", 8, 10)}, append(past, lost)); e.Run != "2" {
		t.Errorf("a cell that was skipped counts: %+v", e)
	}
}

// TestNotMeasured: a cell that has not run makes it what is usual, or a guess.
func TestNotMeasured(t *testing.T) {
	cells := []record.Cell{cell("c", 8, 10), cell("d", 8, 10)}
	if e := Of("loader", cells, []Past{ran("1", 2, 3)}); e != (Estimate{355, Usual, ""}) {
		t.Errorf("loader: %+v", e)
	}
	if e := Of("serving", cells, nil); e != (Estimate{642, Usual, ""}) {
		t.Errorf("serving: %+v", e)
	}
	// Two cells of 8 restarts: 2 × 3 s, two warm-ups, 10 blocks of two samples with as much before.
	if e := Of("mine", cells, nil); e != (Estimate{2 * 8 * (2*3 + 2*0.5 + 10*2*2*0.5), Guessed, ""}) {
		t.Errorf("mine: %+v", e)
	}
}

// TestSuitesFit: by what is usual, each suite keeps its time, with room for a slower
// machine; and what is usual is of scenarios that there are.
func TestSuitesFit(t *testing.T) {
	all, err := scenarios.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range all {
		names[s.Name] = true
	}
	for name := range usual {
		if !names[name] {
			t.Errorf("usual.txt has %s, which is no scenario", name)
		}
	}
	for _, suite := range scenarios.Suites() {
		limit, ok := scenarios.SuiteLimit(suite)
		if !ok {
			continue
		}
		members, err := scenarios.InSuite(all, suite)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, s := range members {
			sum += Of(s.Name, scenarios.Expand(s), nil).Seconds
		}
		if sum > limit.Seconds() {
			t.Errorf("%s: %.0f s; it is to take at most %v", suite, sum, limit)
		}
		t.Logf("%s: %.0f s of %v", suite, sum, limit)
	}
}
