package baseline_test

import (
	"fmt"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
)

// machine is where the runs of these tests took place.
var machine = record.Machine{
	CPUModel: "Example CPU  @ 2.10GHz",
	CPUs:     2,
	Memory:   8 << 30,
	Libtorch: "2.11.0",
	Governor: "none",
}

// planned is a run of one scenario with two arms and a matrix of one axis.
func planned(id string) record.Run {
	return record.Run{
		Schema:  record.Schema,
		ID:      id,
		Started: time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC),
		Command: []string{"bench", "run", "ensemble-parallel"},
		Machine: machine,
		Context: record.Context{Kernel: "6.8.0", Load1: 0.25, Bench: "abc"},
		Cells: []record.Cell{{
			ID:       "cell1",
			Scenario: "ensemble-parallel",
			Point:    map[string]string{"pixels": "112"},
			Arms: []record.Arm{
				{Name: "sequential", Worker: "lens", Settings: protocol.Settings{Kind: "ensemble", Batch: 2}},
				{Name: "threads", Worker: "lens", Settings: protocol.Settings{Kind: "ensemble", Batch: 2, Schedule: "threads"}},
			},
			Measure: []string{record.Throughput, record.Latency, record.MemoryPeak},
			Plan:    record.Plan{Restarts: 3, Blocks: 6, SampleSeconds: 0.02, TimeLimit: 60},
		}},
	}
}

// journal is what such a run leaves: iterations of the first arm take 100 ms
// and grow by 1 ms per restart, those of the second take speed times less.
func journal(run record.Run, speed float64) []record.Entry {
	var out []record.Entry
	cell := run.Cells[0]
	for r := range cell.Plan.Restarts {
		for i, arm := range cell.Arms {
			out = append(out, record.Entry{Kind: record.KindWorker, Cell: cell.ID, Worker: &record.WorkerEntry{
				Arm: arm.Name, Restart: r, Pass: protocol.PassTime, Start: 1.5, First: 0.5 + float64(i), Iterations: 2,
			}})
		}
		for b := range cell.Plan.Blocks {
			out = append(out, block(cell, r, b, speed))
		}
	}
	for i, arm := range cell.Arms {
		out = append(out, record.Entry{Kind: record.KindMemory, Cell: cell.ID, Memory: &record.MemoryEntry{
			Arm: arm.Name, TensorPeak: int64(i+1) << 20, RSSPeak: int64(i+1) << 30,
		}})
	}
	return append(out, record.Entry{Kind: record.KindEnd})
}

func block(cell record.Cell, r, b int, speed float64) record.Entry {
	e := record.BlockEntry{Restart: r, Block: b}
	for i, arm := range cell.Arms {
		d := 0.1 + 0.001*float64(r)
		if i > 0 {
			d /= speed
		}
		e.Samples = append(e.Samples, record.Sample{Arm: arm.Name, Position: i, Iterations: 2, Wall: 3*d + 1e-4, Said: protocol.Sample{
			Wall: 2 * d, CPU: 3 * d, Durations: []float64{d, d}, Items: 8, RSSPeak: int64(b+1) << 20,
		}})
	}
	return record.Entry{Kind: record.KindBlock, Cell: cell.ID, Block: &e}
}

// written makes a run directory below root and returns its path.
func written(t *testing.T, root string, run record.Run, entries []record.Entry) string {
	t.Helper()
	dir, err := record.Create(root, &run)
	if err != nil {
		t.Fatal(err)
	}
	j, err := record.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(entries...); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// judged adds the statement that the second arm is that much faster.
func judged(t *testing.T, dir string, run record.Run, ratio float64) {
	t.Helper()
	cell := run.Cells[0]
	v := record.Verdicts{Run: run.ID, Cells: []record.CellVerdict{{
		Cell: cell.ID, Scenario: cell.Scenario, Point: cell.Point, Status: record.OK,
		Comparisons: []record.Comparison{{
			Metric: record.Throughput, Variant: "threads", Control: "sequential",
			Ratio: ratio, Low: ratio - 0.1, High: ratio + 0.1, Confidence: 0.99, P: 0.004,
			Outcome: record.Faster, Reason: fmt.Sprintf("%v times", ratio), Restarts: 8, Pairs: 8,
		}},
	}}}
	if err := record.WriteVerdicts(dir, v); err != nil {
		t.Fatal(err)
	}
}
