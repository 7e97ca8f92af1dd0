package main

import (
	"errors"
	"testing"

	"lensbench/doctor"
)

func TestFitness(t *testing.T) {
	for _, tt := range []struct {
		name   string
		levels []doctor.Level
		strict bool
		want   int
	}{
		{"all is well", []doctor.Level{doctor.Fine, doctor.Missing}, true, exitFine},
		{"a warning", []doctor.Level{doctor.Fine, doctor.Warning}, false, exitFine},
		{"a warning for CI", []doctor.Level{doctor.Fine, doctor.Warning}, true, exitInvalid},
		{"no lens", []doctor.Level{doctor.Fatal, doctor.Fine}, false, exitInvalid},
	} {
		var all []doctor.Finding
		for _, l := range tt.levels {
			all = append(all, doctor.Finding{Level: l})
		}
		got := exitFine
		var s *status
		if errors.As(fitness(all, tt.strict), &s) {
			got = s.code
		}
		if got != tt.want {
			t.Errorf("%s: exit status %d; want %d", tt.name, got, tt.want)
		}
	}
}
