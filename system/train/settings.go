package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"lensbench/system/augment"
	"lensbench/system/step"
	"lensbench/system/stretch"
)

// Settings are what the weights of a run depend on, beside the images and the
// machine. Nothing else is in them: how many goroutines read images, how often a
// checkpoint is saved, and where, do not matter.
type Settings struct {
	Model   string          `json:"model"`          // network, see model.Names
	Input   int             `json:"input"`          // side that images are resized to
	Stretch stretch.Stretch `json:"stretch"`        // of images
	Augment augment.Policy  `json:"augment"`        // of training images only
	Init    string          `json:"init,omitempty"` // SHA-256 of the file that training begins with; empty: the formula of package nn
	Seed    uint64          `json:"seed"`           // of first weights, order, augmentation and dropout
	Threads int             `json:"threads"`        // of operators: sums are taken in another order on another number
	Epochs  int             `json:"epochs"`         // at most
	Batch   int             `json:"batch"`          // images of a micro-batch, which is a step but for Step.Accumulate
	Rate    float64         `json:"rate"`           // the largest, of AdamW
	Decay   float64         `json:"decay"`          // weight decay of AdamW
	Clip    float64         `json:"clip"`           // largest norm of all gradients together; 0: no limit
	Step    step.Settings   `json:"step,omitzero"`  // how a batch becomes gradients
	Sched   ScheduleSetting `json:"schedule"`       // of the rate
	Stop    StopSetting     `json:"stop"`           // before Epochs

	// Device is what steps are made on, one of Devices; "": CPU. Each rank of a machine
	// takes the next CUDA device.
	Device string `json:"device,omitempty"`

	// Ranks is the number of processes, each with batches and threads of its own: a
	// step has Ranks times as many images. A run may go on with another number. 0: 1.
	Ranks int `json:"ranks,omitempty"`
}

// What steps are made on.
const (
	CPU  = "cpu"
	CUDA = "cuda"
)

// Devices are their names.
var Devices = []string{CPU, CUDA}

// A ScheduleSetting says how the rate changes.
type ScheduleSetting struct {
	Kind     string  `json:"kind"`               // one of Schedules
	WarmUp   float64 `json:"warm_up,omitempty"`  // cosine: share of all steps in which the rate grows
	Factor   float64 `json:"factor,omitempty"`   // plateau: of the rate
	Patience int     `json:"patience,omitempty"` // plateau: epochs without a lower loss before that
}

// A StopSetting says when training ends early. The zero value is never.
type StopSetting struct {
	Patience int     `json:"patience,omitempty"`  // epochs without a lower validation loss; 0: never
	MinDelta float64 `json:"min_delta,omitempty"` // how much lower it has to be to count
}

// DefaultSettings are those of a run for which nothing else is asked. Model and
// Input are not set.
var DefaultSettings = Settings{
	Stretch: stretch.Asinh,
	Augment: augment.Policy{Dihedral: true, Shift: 2},
	Seed:    1,
	Epochs:  20,
	Batch:   64,
	Rate:    1e-3,
	Decay:   1e-4,
	Clip:    1,
	Sched:   ScheduleSetting{Kind: Cosine, WarmUp: 0.1, Factor: 0.5, Patience: 5},
	Stop:    StopSetting{Patience: 10, MinDelta: 1e-4},
}

// A Range is the values that a setting may have, both ends included. Name is as
// in Settings' JSON.
type Range struct {
	Name     string
	Min, Max float64
	of       func(s *Settings) float64
}

// Ranges are those of all settings that are numbers.
var Ranges = []Range{
	{"input", 8, 4096, func(s *Settings) float64 { return float64(s.Input) }},
	{"threads", 1, 1024, func(s *Settings) float64 { return float64(s.Threads) }},
	{"epochs", 1, 100_000, func(s *Settings) float64 { return float64(s.Epochs) }},
	{"batch", 2, 65_536, func(s *Settings) float64 { return float64(s.Batch) }},
	{"rate", 1e-12, 100, func(s *Settings) float64 { return s.Rate }},
	{"decay", 0, 100, func(s *Settings) float64 { return s.Decay }},
	{"ranks", 0, 65_536, func(s *Settings) float64 { return float64(s.Ranks) }},
	{"clip", 0, 1e12, func(s *Settings) float64 { return s.Clip }},
	{"schedule.warm_up", 0, 1, func(s *Settings) float64 { return s.Sched.WarmUp }},
	{"schedule.factor", 1e-6, 1, func(s *Settings) float64 { return s.Sched.Factor }},
	{"schedule.patience", 0, 100_000, func(s *Settings) float64 { return float64(s.Sched.Patience) }},
	{"stop.patience", 0, 100_000, func(s *Settings) float64 { return float64(s.Stop.Patience) }},
	{"stop.min_delta", 0, 100, func(s *Settings) float64 { return s.Stop.MinDelta }},
	{"augment.shift", 0, 1000, func(s *Settings) float64 { return float64(s.Augment.Shift) }},
	{"augment.zoom", 0, augment.MaxZoom, func(s *Settings) float64 { return s.Augment.Zoom }},
	{"augment.rotation", 0, augment.MaxRotation, func(s *Settings) float64 { return s.Augment.Rotation }},
	{"augment.noise", 0, augment.MaxNoise, func(s *Settings) float64 { return s.Augment.Noise }},
}

// Outside returns the first range that s is outside of, nil if there is none.
func (s *Settings) Outside() *Range {
	for i, r := range Ranges {
		if v := r.of(s); !(v >= r.Min && v <= r.Max) { // so is NaN
			return &Ranges[i]
		}
	}
	return nil
}

// Value returns what s has for the setting of the range.
func (r *Range) Value(s *Settings) float64 { return r.of(s) }

func (r *Range) String() string {
	if math.Trunc(r.Min) == r.Min && r.Max < 1e6 {
		return fmt.Sprintf("%.f to %.f", r.Min, r.Max)
	}
	return fmt.Sprintf("%g to %g", r.Min, r.Max)
}

// Check returns an error if training with these settings makes no sense.
func (s *Settings) Check() error {
	if r := s.Outside(); r != nil {
		return fmt.Errorf("%s %g; want %s", r.Name, r.Value(s), r)
	}
	if s.Device != "" && !slices.Contains(Devices, s.Device) {
		return fmt.Errorf("device %q; want %s", s.Device, strings.Join(Devices, " or "))
	}
	if _, err := stretch.Parse(string(s.Stretch)); err != nil {
		return err
	}
	if _, err := s.Sched.new(s.Rate, 1); err != nil {
		return err
	}
	if err := s.Step.Check(); err != nil {
		return err
	}
	return s.Augment.Check()
}

// Hash returns the SHA-256 of the settings, hexadecimal.
func (s *Settings) Hash() string {
	sum := sha256.Sum256(mustJSON(s))
	return hex.EncodeToString(sum[:])
}

// mustJSON is for values of types that always marshal and numbers that are
// finite.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// strictJSON decodes b, in which nothing may be that v has no place for.
func strictJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
