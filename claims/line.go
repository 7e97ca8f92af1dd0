package claims

import (
	"time"

	"lensbench/record"
)

// A Line is what is known about a promise: one for each scenario that tests it
// and each machine, or one that says that none does.
type Line struct {
	Promise
	Test
	Found
}

// A Test is the scenario of a line; zero if there is none.
type Test struct {
	Scenario string            `json:"scenario,omitempty"` // name
	Point    map[string]string `json:"point,omitempty"`    // of the matrix, whose cell decides
	File     string            `json:"file,omitempty"`     // that says what is measured
	Command  string            `json:"command,omitempty"`  // that measures it again
	Checks   string            `json:"checks,omitempty"`   // outputs that must be equal
}

// Found is what a run found. Without a run it has a verdict and a reason alone.
type Found struct {
	Verdict  string     `json:"verdict"` // of record.ClaimVerdict
	Reason   string     `json:"reason"`
	Check    string     `json:"check,omitempty"`    // record.Passed or NotPassed; empty if outputs were not compared
	Arm      string     `json:"arm,omitempty"`      // that decides
	Control  string     `json:"control,omitempty"`  // that it is compared with
	Measured []Measured `json:"measured,omitempty"` // of the deciding arm
	Device   string     `json:"device,omitempty"`   // that the verdict holds for
	Run      string     `json:"run,omitempty"`      // ID
	Started  *time.Time `json:"started,omitempty"`  // UTC
	Machine  string     `json:"machine,omitempty"`  // ID
}

// Measured is a ratio beside what was expected of it.
type Measured struct {
	Expect     record.Expect     `json:"expect"`
	Comparison record.Comparison `json:"comparison"`
}
