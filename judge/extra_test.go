package judge_test

import (
	"maps"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

// What workers say beside is shown by its median over the samples that have it.
func TestExtra(t *testing.T) {
	c := ensemble()
	f := newFixture(c).measure(c, 0, 8, 1, both(1.6, 0.02))
	batches := []protocol.Number{128, 32, 64}
	n := 0
	for i := range f.entries {
		if f.entries[i].Kind != record.KindBlock {
			continue
		}
		for k := range f.entries[i].Block.Samples {
			if s := &f.entries[i].Block.Samples[k]; s.Arm == "threads" {
				s.Said.Extra = map[string]protocol.Number{"batch": batches[n%len(batches)]}
				if n == 0 {
					s.Said.Extra["changes"] = 3
				}
				n++
			}
		}
	}
	arms := f.judge().Cells[0].Arms
	if want := map[string]protocol.Number{"batch": 64, "changes": 3}; !maps.Equal(arms[1].Extra, want) || arms[0].Extra != nil {
		t.Errorf("%v and %v, want none and %v", arms[0].Extra, arms[1].Extra, want)
	}
}
