package runner

import (
	"context"
	"testing"

	"lensbench/record"
	"lensbench/runner/fakeworker"
)

func TestARunRecordsEverySampleOfEveryArm(t *testing.T) {
	cell := smallCell("c1", 3)
	cell.Measure = append(cell.Measure, record.MemoryPeak)
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
