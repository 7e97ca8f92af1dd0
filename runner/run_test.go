package runner

import (
	"context"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// A worker that refuses the memory pass is asked once.
func TestAWorkerThatCannotCountMemoryIsAskedOnce(t *testing.T) {
	cell := smallCell("c1", 2)
	cell.Measure = append(cell.Measure, record.MemoryPeak)
	j := journal(t, mustStart(t, options(t, fakeworker.Script{
		Faults: []fakeworker.Fault{{Do: "unsupported", At: protocol.OpPrepare, Seed: 2, Pass: protocol.PassMemory}}}, cell)))
	passes := map[string]int{}
	for _, e := range j[record.KindMemory] {
		passes[e.Memory.Arm]++
		if counted := e.Memory.TensorPeak > 0; counted != (e.Memory.Arm == "control") {
			t.Errorf("%+v", *e.Memory)
		}
	}
	if passes["control"] != 2 || passes["variant1"] != 1 {
		t.Errorf("memory passes %v; want 2 of the control and 1 of the variant", passes)
	}
}

// Peaks that do not repeat are measured in every restart.
func TestMemoryThatWandersIsMeasuredMoreOften(t *testing.T) {
	cell := smallCell("c1", 2)
	cell.Plan.Restarts = 4
	cell.Measure = append(cell.Measure, record.MemoryPeak)
	j := journal(t, mustStart(t, options(t, fakeworker.Script{Wanders: 2}, cell)))
	passes := map[string]int{}
	for _, e := range j[record.KindMemory] {
		passes[e.Memory.Arm]++
	}
	if passes["control"] != 2 || passes["variant1"] != 4 {
		t.Errorf("memory passes %v; want 2 of the control and 4 of the variant", passes)
	}
}

func TestARunRecordsEverySampleOfEveryArm(t *testing.T) {
	cell := smallCell("c1", 3)
	cell.Measure = append(cell.Measure, record.MemoryPeak)
	repeatChecks(t, 0) // outputs are compared before and after all, not in between
	dir, err := Start(context.Background(), options(t, fakeworker.Script{}, cell))
	if err != nil {
		t.Fatal(err)
	}
	j := journal(t, dir)
	for kind, want := range map[string]int{
		record.KindWorker:  2*3 + 2*3, // restarts × arms, and as many memory passes
		record.KindBlock:   2 * 3,
		record.KindMemory:  2 * 3,
		record.KindOutputs: 2 * 3, // before and after
		record.KindStatus:  0,
		record.KindEnd:     1,
	} {
		if got := len(j[kind]); got != want {
			t.Errorf("%d entries of kind %s; want %d", got, kind, want)
		}
	}
	for _, e := range j[record.KindBlock] {
		if len(e.Block.Samples) != 3 {
			t.Errorf("block %d has %d samples; want 3", e.Block.Block, len(e.Block.Samples))
		}
	}
}
