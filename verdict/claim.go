package verdict

import (
	"fmt"
	"math"
)

// A Finding is what an interval says about a claimed range.
type Finding string

// Findings. Whether a claim could be tested at all is for the caller to know.
const (
	Supported Finding = "supported"    // wholly on the good side
	Refuted   Finding = "refuted"      // wholly on the other side
	Undecided Finding = "inconclusive" // the interval holds the end of the range
)

// An Expectation is one measured ratio of variant to control beside the nearer
// end of what was claimed for it.
type Expectation struct {
	Low, High float64 // interval of the ratio; equal if it is exact
	AtLeast   bool    // the claim is ratio ≥ Claimed, else ratio ≤ Claimed
	Claimed   float64 // nearer end of the claimed range
}

// Finding compares the interval, never the estimate, with the claimed end.
func (e Expectation) Finding() (Finding, error) {
	if !(e.Low >= 0 && e.Low <= e.High) || !(e.Claimed > 0) || math.IsInf(e.Claimed, 1) {
		return Undecided, fmt.Errorf("interval %v–%v against a claimed ratio of %v: want 0 ≤ low ≤ high and a positive finite claim",
			e.Low, e.High, e.Claimed)
	}
	good, bad := e.Low >= e.Claimed, e.High < e.Claimed
	if !e.AtLeast {
		good, bad = e.High <= e.Claimed, e.Low > e.Claimed
	}
	switch {
	case good:
		return Supported, nil
	case bad:
		return Refuted, nil
	}
	return Undecided, nil
}

// Conclude joins the findings on all expectations of a claim: every one is
// needed for support, and any one refutes. Without findings it is Undecided.
func Conclude(findings []Finding) Finding {
	all := Undecided
	for i, f := range findings {
		switch {
		case f == Refuted:
			return Refuted
		case i == 0:
			all = f
		case f != Supported:
			all = Undecided
		}
	}
	return all
}
