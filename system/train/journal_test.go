package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeJournal writes lines of the given kinds, "step 3 in 0" being step 3 with
// no epoch complete.
func writeJournal(t *testing.T, path string, places []Place) {
	t.Helper()
	j, err := newJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	for _, p := range places {
		if err := j.write(StepLine{Place: p, Loss: 0.5}); err != nil {
			t.Fatal(err)
		}
	}
}

var wholeJournal = []Place{
	{runLine, 0, 0}, {stepLine, 0, 4}, {stepLine, 0, 8}, {epochLine, 1, 8},
	{stepLine, 1, 12}, {stepLine, 1, 16}, {epochLine, 2, 16}, {endLine, 2, 16},
}

// A resumed run writes again what came after its checkpoint.
func TestResumedJournalHasEveryLineOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		state State
		keeps int // lines
	}{
		{"from the beginning", State{}, 1},
		{"between lines", State{Step: 6, Batch: 6}, 2},
		{"at a line", State{Step: 8, Batch: 8}, 3},
		{"before validation", State{Step: 8, Batch: 8, Epoch: 0}, 3},
		{"after validation", State{Step: 8, Epoch: 1}, 4},
		{"in the second epoch", State{Step: 15, Epoch: 1}, 5},
		{"before the end", State{Step: 16, Epoch: 2}, 7},
	} {
		path := filepath.Join(t.TempDir(), JournalName)
		writeJournal(t, path, wholeJournal)
		j, err := resumeJournal(path, &c.state)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range wholeJournal[c.keeps:] {
			if err := j.write(StepLine{Place: p, Loss: 0.5}); err != nil {
				t.Fatal(err)
			}
		}
		j.close()
		if got := readPlaces(t, path); differences(got, wholeJournal) != nil {
			t.Errorf("%s: the journal is %v, want %v", c.name, got, wholeJournal)
		}
	}
}

func readPlaces(t *testing.T, path string) (places []Place) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var p Place
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		places = append(places, p)
	}
	return places
}

func TestHalfALineIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), JournalName)
	writeJournal(t, path, wholeJournal[:3])
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)-5], 0o644); err != nil {
		t.Fatal(err)
	}
	j, err := resumeJournal(path, &State{Step: 8, Batch: 8})
	if err != nil {
		t.Fatal(err)
	}
	j.close()
	if got := readPlaces(t, path); len(got) != 2 {
		t.Errorf("%d lines are left, want 2", len(got))
	}
}

func TestDigits(t *testing.T) {
	for in, want := range map[float64]float64{123456: 123500, 0.000123456: 0.0001235, -98.7654: -98.77, 0: 0, 1000: 1000} {
		if got := digits(in); !near(got/max(1, in), want/max(1, in)) {
			t.Errorf("%g becomes %g, want %g", in, got, want)
		}
	}
}
