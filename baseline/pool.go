package baseline

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/record"
	"lensbench/verdict"
)

// A Night is one stored run as part of a pool.
type Night struct {
	Label   string // for messages
	Run     string // its ID; a run counts once
	Machine record.Machine
	Results Results
}

// NightOf is a saved run as a night.
func NightOf(s Saved) (Night, error) {
	run, entries, err := load(s.Dir)
	if err != nil {
		return Night{}, err
	}
	return Night{Label: s.Qualified(), Run: run.ID, Machine: run.Machine, Results: Export(run, entries)}, nil
}

// OpenNight reads the run in dir as a night.
func OpenNight(dir string) (Night, error) {
	run, entries, err := load(dir)
	if err != nil {
		return Night{}, err
	}
	return Night{Label: run.ID, Run: run.ID, Machine: run.Machine, Results: Export(run, entries)}, nil
}

// A Pooled is one measurement of one arm over several nights.
type Pooled struct {
	Name string // of its lines
	Unit string
	verdict.Pool
}

// A MachineError says that a night was measured on another machine.
type MachineError struct {
	Night, Others string
	Fields        []string // that differ, with the night's value first
}

func (e *MachineError) Error() string {
	return fmt.Sprintf("%s and %s are not comparable: the machines differ in %s", e.Night, e.Others, strings.Join(e.Fields, "; "))
}

// PoolNights pools every measurement that at least verdict.MinNights nights have.
// Nights on different machines are refused with a MachineError.
func PoolNights(nights []Night) ([]Pooled, error) {
	seen := map[string]string{}
	for i, n := range nights {
		if d := n.Machine.Differences(nights[0].Machine); i > 0 && d != nil {
			return nil, &MachineError{n.Label, nights[0].Label, d}
		}
		if other, again := seen[n.Run]; again {
			return nil, fmt.Errorf("%s and %s are the same run, %s; want each night once", other, n.Label, n.Run)
		}
		seen[n.Run] = n.Label
	}
	if len(nights) < verdict.MinNights {
		return nil, fmt.Errorf("%d nights are stored; a baseline needs %d", len(nights), verdict.MinNights)
	}
	values := map[measurement][]verdict.NightValue{}
	var order []measurement
	for _, n := range nights {
		byMeasurement, own := n.values()
		for _, m := range own {
			if values[m] == nil {
				order = append(order, m)
			}
			values[m] = append(values[m], byMeasurement[m])
		}
	}
	var out []Pooled
	for _, m := range order {
		if len(values[m]) < verdict.MinNights {
			continue
		}
		p, err := verdict.PoolNights(values[m])
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", m.name, m.unit, err)
		}
		out = append(out, Pooled{m.name, m.unit, p})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no measurement is in %d nights or more; a baseline needs %d", verdict.MinNights, verdict.MinNights)
	}
	return out, nil
}

type measurement struct{ name, unit string }

// values are those of the night's restarts, and the measurements in order.
func (n Night) values() (map[measurement]verdict.NightValue, []measurement) {
	out := map[measurement]verdict.NightValue{}
	var order []measurement
	for _, l := range n.Results.Lines {
		for _, v := range l.Values {
			m := measurement{l.Name, v.Unit}
			if !slices.Contains(order, m) {
				order = append(order, m)
			}
			out[m] = append(out[m], v.Value)
		}
	}
	return out, order
}

// A Placed is a night's measurement beside the pool.
type Placed struct {
	Pooled
	Night   float64         // 0 if the night lacks it
	Outcome verdict.Outcome // Lower, Higher or Inconclusive; "" if the night lacks it
}

// Place sets a night beside a pool of others. A night on another machine than
// that of the pool is refused with a MachineError.
func Place(pool []Pooled, of Night, night Night) ([]Placed, error) {
	if d := night.Machine.Differences(of.Machine); d != nil {
		return nil, &MachineError{night.Label, of.Label, d}
	}
	values, _ := night.values()
	var out []Placed
	for _, p := range pool {
		placed := Placed{Pooled: p}
		if v, ok := values[measurement{p.Name, p.Unit}]; ok {
			var err error
			if placed.Outcome, placed.Night, err = p.Place(v); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", p.Name, p.Unit, err)
			}
		}
		out = append(out, placed)
	}
	return out, nil
}
