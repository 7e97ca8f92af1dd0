package scenarios

import (
	"slices"
	"testing"

	"lensbench/record"
)

// The control of any scenario can stand beside itself: what it measures in relation to
// other arms, or in a pass of its own, is left out.
func TestTwins(t *testing.T) {
	all, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, c := range Expand(s) {
			twins := Twins(c, 2)
			if len(twins.Arms) != 3 || twins.Arms[2].Settings.Delay != 2 || twins.Arms[1].Settings.Delay != 0 {
				t.Errorf("%s: arms %+v", s.Name, twins.Arms)
			}
			if len(twins.Measure) == 0 || slices.ContainsFunc(twins.Measure, func(m string) bool { return record.OwnPass(m) || m == record.Efficiency }) {
				t.Errorf("%s: measures %v", s.Name, twins.Measure)
			}
			if slices.ContainsFunc(twins.Arms, func(a record.Arm) bool { return a.Single != "" }) {
				t.Errorf("%s: an arm's single rank is not among the twins", s.Name)
			}
		}
	}
}
