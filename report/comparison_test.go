package report_test

import (
	"bytes"
	"fmt"
	"testing"

	"lensbench/baseline"
	"lensbench/protocol"
	"lensbench/record"
	"lensbench/report"
)

// stored writes a fixture as a run with a journal: three restarts of two
// blocks, every arm slower by a tenth than the one before.
func stored(t *testing.T, root string, f fixture) string {
	t.Helper()
	dir, err := record.Create(root, &f.run)
	if err != nil {
		t.Fatal(err)
	}
	var entries []record.Entry
	for _, cell := range f.run.Cells {
		for r := range 3 {
			for b := range 2 {
				e := record.BlockEntry{Restart: r, Block: b}
				for i, arm := range cell.Arms {
					d := (0.1 + 0.001*float64(r)) * (1 + 0.1*float64(i))
					e.Samples = append(e.Samples, record.Sample{Arm: arm.Name, Iterations: 1, Wall: 2 * d,
						Said: protocol.Sample{Wall: d, CPU: d, Durations: []float64{d}, Items: 4}})
				}
				entries = append(entries, record.Entry{Kind: record.KindBlock, Cell: cell.ID, Block: &e})
			}
		}
	}
	j, err := record.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Append(append(entries, record.Entry{Kind: record.KindEnd})...); err != nil {
		t.Fatal(err)
	}
	if err := record.WriteVerdicts(dir, f.v); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestComparison shows every relation that operands can have.
func TestComparison(t *testing.T) {
	runs := t.TempDir()
	places := baseline.Places{Runs: runs, Store: baseline.Store{Dir: t.TempDir()}}
	first, second, elsewhere := one(), one(), one()
	first.run.ID, second.run.ID, elsewhere.run.ID = "first", "second", "elsewhere"
	second.run.Context.Kernel = "6.9.0"
	second.run.Cells[0].Arms[2].Settings.Batch = 4
	elsewhere.run.Machine.CPUs, elsewhere.run.Machine.GPU = 64, "H200"
	for _, f := range []fixture{first, second, elsewhere} {
		stored(t, runs, f)
	}
	for name, texts := range map[string][]string{
		"together":     {"first:sequential", "first:processes"},
		"backwards":    {"first:threads", "first:sequential"},
		"unjudged":     {"first:threads", "first:processes"},
		"same":         {"first", "first"},
		"apart":        {"first", "second"},
		"incomparable": {"first:threads", "elsewhere:threads"},
		"unknown":      {"first:threads", "testdata/go.bench:threads"},
		"broken":       {"first", "testdata/broken.bench"},
		"three":        {"first:sequential", "first:threads", "second:sequential"},
	} {
		var operands []baseline.Operand
		for _, text := range texts {
			o, err := places.Open(text)
			if err != nil {
				t.Fatal(err)
			}
			operands = append(operands, o)
		}
		c, err := baseline.Compare(operands...)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := report.Comparison(&b, c, report.Options{Width: 80}); err != nil {
			t.Fatal(err)
		}
		golden(t, fmt.Sprintf("compare-%s.txt", name), b.String())
	}
}
