package calibration

import (
	"cmp"
	"slices"
)

// A Kind is what all calibrations of a machine found together that asked the same: one
// metric of one scenario, in statements of one length, beside the same.
type Kind struct {
	Scenario string   `json:"scenario"`
	Metric   string   `json:"metric"`
	Size     int      `json:"size"`             // restarts of a statement
	Beside   string   `json:"beside,omitempty"` // what ran beside the arms on purpose
	Runs     []string `json:"runs"`             // IDs, the oldest first
	Sets     int      `json:"sets"`
	Unfit    int      `json:"unfit"`          // sets that do not count
	Busy     int      `json:"busy,omitempty"` // sets that count though contaminated, by what ran beside them on purpose
	Seconds  float64  `json:"seconds"`        // that a set of all its arms took on average
	Alarms   Rate     `json:"false_alarms"`
	Found    []Plant  `json:"found,omitempty"` // by size
}

// A Plant is how often a delay was found that was planted.
type Plant struct {
	Percent float64 `json:"percent"`
	Rate    Rate    `json:"rate"`
}

// Kinds takes calibrations together that asked the same, in the order of their first.
func (m Machine) Kinds() []Kind {
	var out []Kind
	for _, c := range m.Calibrations {
		for _, one := range c.Metrics {
			same := func(k Kind) bool {
				return k.Scenario == c.Scenario && k.Metric == one.Metric && k.Size == c.Size && k.Beside == c.Beside
			}
			i := slices.IndexFunc(out, same)
			if i < 0 {
				i = len(out)
				out = append(out, Kind{Scenario: c.Scenario, Metric: one.Metric, Size: c.Size, Beside: c.Beside})
			}
			out[i].join(c, one)
		}
	}
	return out
}

func (k *Kind) join(c Calibration, m Metric) {
	k.Runs = append(k.Runs, c.Run)
	k.Seconds = (k.Seconds*float64(k.Sets) + c.Seconds/float64(c.Restarts)*float64(c.Size*c.Sets)) / float64(k.Sets+c.Sets)
	k.Sets += c.Sets
	k.Unfit += c.Unfit
	k.Busy += c.Busy
	k.Alarms.join(m.Rate)
	k.Alarms.bound()
	if m.Found == nil {
		return
	}
	i, ok := slices.BinarySearchFunc(k.Found, c.Plant, func(p Plant, percent float64) int { return cmp.Compare(p.Percent, percent) })
	if !ok {
		k.Found = slices.Insert(k.Found, i, Plant{Percent: c.Plant})
	}
	k.Found[i].Rate.join(*m.Found)
	k.Found[i].Rate.bound()
}
