package report_test

import (
	"bytes"
	"strings"
	"testing"

	"lensbench/record"
	"lensbench/report"
)

// What was left out is said with its causes, and how far the machine is to be
// trusted, on a terminal and in Markdown.
func TestTrust(t *testing.T) {
	f := one()
	f.v.Cells[0].Contamination = &record.Contamination{Blocks: 640, Contaminated: 9, Dropped: 7, Causes: map[string]int{"steal": 3, "other processes": 6}}
	f.v.Cells[0].Witnesses = []record.Witness{{Variant: "b", Control: "a", Ratio: record.Interval{Value: 1.00031, Low: 1.0001, High: 1.0005, N: 8}}}
	f.run.Context.Absent = map[string]string{"processor clock": "this machine shows none"}
	o := report.Options{Details: true, Calibration: "on this machine 0 of 8 statements were false alarms"}
	var md bytes.Buffer
	if err := report.Markdown(&md, f.run, f.v, o); err != nil {
		t.Fatal(err)
	}
	for medium, got := range map[string]string{"text": text(t, f, o), "markdown": md.String()} {
		got = strings.Join(strings.Fields(got), " ")
		for _, want := range []string{
			"7 of 640 blocks, with the samples of all arms, because of what else the machine did then: other processes 6, steal 3; it was so in 9, but half of each restart stays",
			"on this machine 0 of 8 statements were false alarms",
			"b 1.00031 [1.00010, 1.00050]; they say what was done",
			"processor clock: this machine shows none",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", medium, want, got)
			}
		}
	}
	f.v.Cells[0].Contamination, f.v.Cells[0].Witnesses = nil, nil
	if got := text(t, f, report.Options{}); strings.Contains(got, "Dropped") || strings.Contains(got, "Calibration") || strings.Contains(got, "Witness") || strings.Contains(got, "Absent") {
		t.Errorf("nothing was left out and nothing is known, and yet:\n%s", got)
	}
}
