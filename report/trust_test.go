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
	o := report.Options{Calibration: "on this machine 0 of 8 statements were false alarms"}
	var md bytes.Buffer
	if err := report.Markdown(&md, f.run, f.v, o); err != nil {
		t.Fatal(err)
	}
	for medium, got := range map[string]string{"text": text(t, f, o), "markdown": md.String()} {
		got = strings.Join(strings.Fields(got), " ")
		for _, want := range []string{
			"7 of 640 blocks, all arms alike, for what the host did in them and not for what was measured: other processes 6, steal 3; of 9 that deserved it, no more than half of any restart",
			"on this machine 0 of 8 statements were false alarms",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", medium, want, got)
			}
		}
	}
	f.v.Cells[0].Contamination = nil
	if got := text(t, f, report.Options{}); strings.Contains(got, "Dropped") || strings.Contains(got, "Calibration") {
		t.Errorf("nothing was left out and nothing is known, and yet:\n%s", got)
	}
}
