package protocol

// MostOperators is the most that a Profile lists; what else there is, is in Other.
const MostOperators = 40

// A Profile says where the time of one sample of work went, operator by operator.
//
// An operator's seconds are its wall time without that of the operators that it
// called, so the rows add up. On several threads they add up to more than passed:
// Busy is what passed with at least one thread in an operator, so
//
//	Busy ≤ Wall, and Busy ≤ all operators together ≤ Busy × Threads
type Profile struct {
	Wall      float64        `json:"wall"`            // s, all iterations of the sample
	Busy      float64        `json:"busy"`            // s of Wall in which a thread was in an operator
	Threads   int            `json:"threads"`         // that were in an operator at some time
	Operators []OperatorTime `json:"operators"`       // most seconds first, each name once
	Other     *OperatorTime  `json:"other,omitempty"` // all that are not listed, without a name; nil if all are
}

// An OperatorTime is what all calls of an operator in the sample took together.
type OperatorTime struct {
	Name    string  `json:"name,omitempty"` // as the library has it, such as aten::conv2d
	Calls   int64   `json:"calls"`
	Seconds float64 `json:"seconds"` // self time, over all threads
}
