package calibration

import (
	"fmt"
	"strconv"
	"strings"
)

// None is said where a machine has no calibration.
const None = "none on this machine yet; bench calibrate says how often it errs here and how little it can see"

// Line is what stands beside later verdicts: the false alarms of all
// calibrations, and what the latest could see, in its first metric; the latest
// that nothing disturbed on purpose, if there is one.
func (m Machine) Line() string {
	if len(m.Calibrations) == 0 {
		return None
	}
	latest := m.Calibrations[len(m.Calibrations)-1]
	for _, c := range m.Calibrations {
		if c.Beside == "" {
			latest = c
		}
	}
	if len(latest.Metrics) == 0 {
		return None
	}
	first := latest.Metrics[0]
	all := m.Alarms(first.Metric)
	text := fmt.Sprintf("on this machine %d of %d statements on equal arms were false alarms (95 %% interval %s)", all.Seen, all.Of, all.Interval())
	if all.Of == 0 {
		text = "on this machine no statement on equal arms could be made"
	}
	if seen := inTime(first.Detectable); seen != "" {
		text += fmt.Sprintf("; found in %s", seen)
	}
	return fmt.Sprintf("%s (%s of %s, %s)", text, first.Metric, latest.Scenario, latest.Started.UTC().Format("2006-01-02"))
}

// inTime is "1 min: 0.48 %, 5 min: 0.2 %"; times too short for a verdict are
// left out.
func inTime(effects []Effect) string {
	var out []string
	for _, e := range effects {
		if e.Effect != nil {
			out = append(out, fmt.Sprintf("%g min: %s", e.Minutes, Percent(*e.Effect)))
		}
	}
	return strings.Join(out, ", ")
}

// String is "0 of 40 (0–8.8 %)", or a dash for no trial.
func (r Rate) String() string {
	if r.Of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d (%s)", r.Seen, r.Of, r.Interval())
}

// Interval is the interval of the rate in per cent.
func (r Rate) Interval() string {
	return fmt.Sprintf("%s–%s %%", share(r.Low), share(r.High))
}

// share is a fraction in per cent, with as many digits as a rate deserves.
func share(v float64) string {
	if v == 0 || v == 1 {
		return strconv.Itoa(int(100 * v))
	}
	return strconv.FormatFloat(100*v, 'f', 1, 64)
}

// Percent writes an effect with two significant digits.
func Percent(v float64) string {
	return strconv.FormatFloat(100*v, 'g', 2, 64) + " %"
}
