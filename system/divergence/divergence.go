package divergence

import (
	"fmt"
	"os"
	"path/filepath"

	"lensbench/system/train"
)

// A Report is how two runs differ.
type Report struct {
	A        string   `json:"a"` // directories
	B        string   `json:"b"`
	Settings []string `json:"settings"` // that differ, with those of images and machine: "batch is 32, not 64"

	Traced  bool      `json:"traced"` // both runs have a trace
	Steps   int       `json:"steps"`  // that both traces have
	First   *Step     `json:"first,omitempty"`
	Journal *Interval `json:"journal,omitempty"`

	Weights   string   `json:"weights"`   // name of the file that was compared; empty: none that both have
	Tensors   int      `json:"tensors"`   // in it
	Different []Tensor `json:"different"` // that differ, the largest difference first
}

// Equal says whether no difference was found in what the runs computed.
func (r *Report) Equal() bool { return r.First == nil && r.Journal == nil && len(r.Different) == 0 }

// Compare compares what two runs have left in their directories.
func Compare(a, b string) (*Report, error) {
	r := &Report{A: a, B: b, Settings: []string{}, Different: []Tensor{}}
	for _, dir := range []string{a, b} {
		if _, err := os.Stat(filepath.Join(dir, train.JournalName)); err != nil {
			return nil, fmt.Errorf("%s: is no directory of a training run: %w", dir, err)
		}
	}
	for _, part := range []func(r *Report) error{compareTraces, compareJournals, compareWeights} {
		if err := part(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Report) files(name string) (a, b string) {
	return filepath.Join(r.A, name), filepath.Join(r.B, name)
}

// both says whether both runs have the file.
func (r *Report) both(name string) bool {
	a, b := r.files(name)
	_, errA := os.Stat(a)
	_, errB := os.Stat(b)
	return errA == nil && errB == nil
}
