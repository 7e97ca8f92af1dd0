package record

import (
	"encoding/json"

	"lensbench/protocol"
)

// Intervals may lack a bound: with few restarts none can be given, and an
// inverted test may leave one open. JSON has neither NaN nor infinities, so the
// types below write their floats as protocol.Number does.

type intervalJSON struct {
	Value protocol.Number `json:"value"`
	Low   protocol.Number `json:"low"`
	High  protocol.Number `json:"high"`
	N     int             `json:"n"`
}

// MarshalJSON writes numbers that are not finite as strings.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(intervalJSON{protocol.Number(i.Value), protocol.Number(i.Low), protocol.Number(i.High), i.N})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Interval) UnmarshalJSON(b []byte) error {
	var j intervalJSON
	err := json.Unmarshal(b, &j)
	*i = Interval{float64(j.Value), float64(j.Low), float64(j.High), j.N}
	return err
}

// plainComparison is Comparison without its methods.
type plainComparison Comparison

// comparisonJSON hides the floats of the embedded type behind its own fields
// of the same names.
type comparisonJSON struct {
	plainComparison
	Ratio       protocol.Number `json:"ratio"`
	Low         protocol.Number `json:"low"`
	High        protocol.Number `json:"high"`
	P           protocol.Number `json:"p"`
	Equivalence protocol.Number `json:"p_equivalence"`
	Theta       protocol.Number `json:"theta"`
	MDE         protocol.Number `json:"mde"`
}

// MarshalJSON writes numbers that are not finite as strings.
func (c Comparison) MarshalJSON() ([]byte, error) {
	return json.Marshal(comparisonJSON{
		plainComparison: plainComparison(c),
		Ratio:           protocol.Number(c.Ratio),
		Low:             protocol.Number(c.Low),
		High:            protocol.Number(c.High),
		P:               protocol.Number(c.P),
		Equivalence:     protocol.Number(c.Equivalence),
		Theta:           protocol.Number(c.Theta),
		MDE:             protocol.Number(c.MDE),
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Comparison) UnmarshalJSON(b []byte) error {
	var j comparisonJSON
	err := json.Unmarshal(b, &j)
	*c = Comparison(j.plainComparison)
	c.Ratio, c.Low, c.High = float64(j.Ratio), float64(j.Low), float64(j.High)
	c.P, c.Equivalence, c.Theta, c.MDE = float64(j.P), float64(j.Equivalence), float64(j.Theta), float64(j.MDE)
	return err
}
