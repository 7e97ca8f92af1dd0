package baseline_test

import (
	"testing"

	"lensbench/baseline"
	"lensbench/record"
)

func TestName(t *testing.T) {
	for _, test := range []struct {
		what, scenario string
		point          map[string]string
		arm, want      string
	}{
		{"plain", "ensemble-parallel", nil, "threads", "EnsembleParallel/arm=threads"},
		{"one word", "calibration", nil, "again", "Calibration/arm=again"},
		{"matrix, in the order of the axes' names", "peer", map[string]string{"model": "vit_b_16", "batch": "8"}, "lens",
			"Peer/batch=8/model=vit_b_16/arm=lens"},
		{"end that looks like processors", "x", nil, "v-2", "X/arm=v%2D2"},
		{"digits after a hyphen are not capitals", "gpt-2b", nil, "a", "Gpt-2b/arm=a"},
		{"text that would end the name", "x", map[string]string{"a b": "c/d"}, "e=100%\tf", "X/a%20b=c%2Fd/arm=e%3D100%25%09f"},
		{"other scripts", "größe", nil, "八", "Größe/arm=八"},
		{"bytes that are not text", "x", nil, "\xff", "X/arm=%FF"},
	} {
		cell := record.Cell{Scenario: test.scenario, Point: test.point}
		if got := baseline.Name(cell, test.arm); got != test.want {
			t.Errorf("%s: name is %q; want %q", test.what, got, test.want)
		}
	}
}
