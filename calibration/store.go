package calibration

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lensbench/record"
)

// A Machine is all that calibrations found on one machine.
type Machine struct {
	Schema       int            `json:"schema"`
	Machine      record.Machine `json:"machine"`
	Calibrations []Calibration  `json:"calibrations"` // the oldest first
}

// InCache is the file of a machine's calibrations below the cache.
func InCache(cache string, m record.Machine) string {
	return filepath.Join(cache, "calibrations", m.ID()+".json")
}

// storedFile is that of a machine beside its baselines.
const storedFile = "calibrations.json"

// InStore is the file of those that a project publishes, in its store of baselines.
func InStore(store string, m record.Machine) string {
	return filepath.Join(store, m.ID(), storedFile)
}

// Load reads the calibrations of a machine from these files together; one that is in
// several counts once, and a file that does not exist has none.
func Load(m record.Machine, files ...string) (Machine, error) {
	out := Machine{Schema: record.Schema, Machine: m}
	var problems []error
	for _, file := range files {
		var one Machine
		err := record.ReadJSON(file, &one, &one.Schema)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			problems = append(problems, err)
		default:
			for _, c := range one.Calibrations {
				out.add(c)
			}
		}
	}
	return out, errors.Join(problems...)
}

// Add keeps a calibration in a file; one of the same run is replaced.
func Add(file string, m record.Machine, c Calibration) error {
	all, err := Load(m, file)
	if err != nil {
		return err
	}
	all.add(c)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return record.WriteJSON(file, all)
}

// add keeps them by age, each run once.
func (m *Machine) add(c Calibration) {
	m.Calibrations = slices.DeleteFunc(m.Calibrations, func(old Calibration) bool { return old.Run == c.Run })
	m.Calibrations = append(m.Calibrations, c)
	slices.SortStableFunc(m.Calibrations, func(a, b Calibration) int { return strings.Compare(a.Run, b.Run) }) // IDs sort by age
}

// Published are the calibrations in a store, of all machines that have some. What cannot
// be read is part of the error, and the others are returned all the same.
func Published(store string) ([]Machine, error) {
	machines, err := os.ReadDir(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Machine
	var problems []error
	for _, d := range machines {
		var one Machine
		err := record.ReadJSON(filepath.Join(store, d.Name(), storedFile), &one, &one.Schema)
		switch {
		case !d.IsDir() || errors.Is(err, fs.ErrNotExist):
		case err != nil:
			problems = append(problems, err)
		default:
			out = append(out, one)
		}
	}
	return out, errors.Join(problems...)
}

// Alarms are those of all calibrations in one metric.
func (m Machine) Alarms(metric string) Rate {
	var all Rate
	for _, c := range m.Calibrations {
		for _, one := range c.Metrics {
			if one.Metric == metric {
				all.join(one.Rate)
			}
		}
	}
	all.bound()
	return all
}
