package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// Kinds of lines of a journal.
const (
	runLine    = "run"
	resumeLine = "resume"
	stepLine   = "step"
	epochLine  = "epoch"
	endLine    = "end"
)

// A Place begins every line: what it is about, and how far training was.
type Place struct {
	Kind  string `json:"kind"`
	Epoch int    `json:"epoch"` // complete epochs
	Step  int    `json:"step"`  // complete steps of all epochs
}

// A RunLine begins a journal, and a part of it after the run was resumed.
type RunLine struct {
	Place
	Time     time.Time `json:"time"`
	Hash     string    `json:"settings_sha256"`
	Settings Settings  `json:"settings"`
	Data     Data      `json:"data"`
	Machine  Machine   `json:"machine"`
}

// A StepLine is about the steps since the last one.
type StepLine struct {
	Place
	Loss      float64 `json:"loss"`              // mean over images
	Norm      float64 `json:"gradient_norm"`     // mean over steps, before clipping
	MaxNorm   float64 `json:"gradient_norm_max"` // the largest of them
	Clipped   int     `json:"clipped"`           // steps whose gradients were clipped
	Skipped   int     `json:"skipped,omitempty"` // steps that changed nothing, because scaled gradients had overflowed
	Scale     float64 `json:"scale,omitempty"`   // of losses, in fp16
	Rate      float64 `json:"rate"`              // of the last step
	PerSecond float64 `json:"images_per_second"`
	Wait      float64 `json:"wait_per_step"` // s that a step waited for its images, mean
}

// IsStep says whether a line that was decoded into l is one.
func (l StepLine) IsStep() bool { return l.Kind == stepLine }

// An EpochLine is about an epoch.
type EpochLine struct {
	Place
	Loss       float64 `json:"loss"`              // of training, mean over images
	Norm       float64 `json:"gradient_norm"`     // mean over steps, before clipping
	Clipped    int     `json:"clipped"`           // steps whose gradients were clipped
	Skipped    int     `json:"skipped,omitempty"` // steps that changed nothing
	Rate       float64 `json:"rate"`              // of the last step
	Validation float64 `json:"validation_loss"`   // mean over images
	Accuracy   float64 `json:"accuracy"`          // on validation images, at probability 1/2
	AUROC      float64 `json:"auroc"`             // on validation images
	Best       bool    `json:"best"`              // its loss is the lowest so far
	PerSecond  float64 `json:"images_per_second"`
	Wait       float64 `json:"wait_per_step"` // s
	Seconds    float64 `json:"seconds"`       // since the epoch began or was resumed, with validation
}

// An EndLine ends a journal.
type EndLine struct {
	Place
	Time time.Time `json:"time"`
	Result
}

// A journal is the file of metrics: JSON objects, one a line.
type journal struct{ f *os.File }

// newJournal begins a journal.
func newJournal(path string) (*journal, error) {
	f, err := os.Create(path)
	return &journal{f}, err
}

// resumeJournal goes on with the journal of a run that is at s now: what was
// written after that will be written again.
func resumeJournal(path string, s *State) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	length, err := covered(f, s)
	if err == nil {
		err = f.Truncate(length)
	}
	if err == nil {
		_, err = f.Seek(length, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &journal{f}, nil
}

// covered returns the length of the lines up to the first that is about what
// comes after s, or that is no whole line.
func covered(r io.Reader, s *State) (length int64, err error) {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return length, nil
		}
		if err != nil {
			return 0, err
		}
		var at Place
		if json.Unmarshal(line, &at) != nil || !at.before(s) {
			return length, nil
		}
		length += int64(len(line))
	}
}

func (p Place) before(s *State) bool {
	return p.Step <= s.Step && p.Epoch <= s.Epoch && p.Kind != endLine
}

// write appends a line.
func (j *journal) write(line any) error {
	if j == nil { // in ranks but 0
		return nil
	}
	_, err := j.f.Write(append(mustJSON(line), '\n'))
	return err
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.f.Close()
}

// digits rounds a measured time or rate to four digits: the rest is noise.
func digits(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	unit := math.Pow(10, 4-math.Ceil(math.Log10(math.Abs(v))))
	return math.Round(v*unit) / unit
}

// now is the time for a line of a journal.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
