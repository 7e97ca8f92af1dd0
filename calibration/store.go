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

// File is where the calibrations of a machine are kept below the cache.
func File(cache string, m record.Machine) string {
	return filepath.Join(cache, "calibrations", m.ID()+".json")
}

// Load reads the calibrations of a machine; there are none without a file.
func Load(cache string, m record.Machine) (Machine, error) {
	out := Machine{Schema: record.Schema, Machine: m}
	err := record.ReadJSON(File(cache, m), &out, &out.Schema)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return out, err
}

// Add keeps a calibration; one of the same run, and the same part of it, is
// replaced.
func Add(cache string, m record.Machine, c Calibration) (Machine, error) {
	all, err := Load(cache, m)
	if err != nil {
		return all, err
	}
	all.Calibrations = slices.DeleteFunc(all.Calibrations, func(old Calibration) bool { return old.Run == c.Run })
	all.Calibrations = append(all.Calibrations, c)
	slices.SortStableFunc(all.Calibrations, func(a, b Calibration) int { return strings.Compare(a.Run, b.Run) }) // IDs sort by age
	if err := os.MkdirAll(filepath.Dir(File(cache, m)), 0o755); err != nil {
		return all, err
	}
	return all, record.WriteJSON(File(cache, m), all)
}

// Alarms are those of all calibrations in one metric.
func (m Machine) Alarms(metric string) Rate {
	var all Rate
	for _, c := range m.Calibrations {
		for _, one := range c.Metrics {
			if one.Metric == metric {
				all.Seen += one.Rate.Seen
				all.Of += one.Rate.Of
			}
		}
	}
	all.bound()
	return all
}
