package report

import (
	"fmt"
	"strings"

	"lensbench/calibration"
)

// calibrations is what verdicts are worth: how often they told equal arms apart, and how
// often they found a delay that was planted.
func (b *sheetBuilder) calibrations(p ClaimPage) grid {
	g := grid{caption: "How often verdicts err (ours)", columns: []column{{head: "calibration"}, {head: "statements of"}, {head: "false alarms", right: true}, {head: "planted and found", right: true}}}
	for _, m := range p.Calibrations {
		for _, k := range m.Kinds() {
			name := entry{figure: figure{main: k.Scenario, detail: metricName(k.Metric)}, notes: []int{b.note(calibrationNote(m, k))}}
			g.rows = append(g.rows, []entry{name, word(counted(k.Size, "restart")), word(k.Alarms.String()), word(plants(k))})
		}
	}
	return g
}

func plants(k calibration.Kind) string {
	var out []string
	for _, p := range k.Found {
		out = append(out, fmt.Sprintf("%g %%: %s", p.Percent, p.Rate))
	}
	if out == nil {
		return absent
	}
	return strings.Join(out, "; ")
}

// calibrationNote says where, under what and how it was found.
func calibrationNote(m calibration.Machine, k calibration.Kind) string {
	parts := []string{"equal arms told apart, and slower arms found slower, with exact 95 % intervals"}
	if k.Beside != "" {
		parts = append(parts, "beside "+k.Beside)
	}
	parts = append(parts, fmt.Sprintf("%s in all, each measured in %.0f s on average", counted(k.Sets, "statement"), k.Seconds))
	if k.Unfit > 0 {
		parts = append(parts, fmt.Sprintf("%d of them disturbed so much that they do not count", k.Unfit))
	}
	if k.Busy > 0 {
		parts = append(parts, fmt.Sprintf("%d of them contaminated by what ran beside on purpose, and counted, as the gate does", k.Busy))
	}
	runs := "run "
	if len(k.Runs) > 1 {
		runs = "runs "
	}
	parts = append(parts, fmt.Sprintf("%s%s on machine %s, %s", runs, strings.Join(k.Runs, ", "), m.Machine.ID(), m.Machine.CPUModel))
	return strings.Join(append(parts, "repeat with: "+calibrateCommand(k)), "; ")
}

func calibrateCommand(k calibration.Kind) string {
	command := fmt.Sprintf("bench calibrate %s --restarts %d", k.Scenario, k.Size)
	if n := len(k.Found); n > 0 {
		command += fmt.Sprintf(" --plant %g%%", k.Found[n-1].Percent)
	}
	if k.Beside != "" {
		command += " --disturb"
	}
	return command + " --for 2h"
}
