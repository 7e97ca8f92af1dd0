package step

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/nearest"
	"lensbench/system/nn"
	"lensbench/torch"
)

// Precisions of the forward pass.
const (
	FP32 = "fp32"
	BF16 = "bf16"
	FP16 = "fp16"
)

// Precisions are their names.
var Precisions = []string{FP32, BF16, FP16}

// Ways to go back from the losses of several scales.
const (
	Summed   = "summed"    // once, from the sum of all
	PerScale = "per-scale" // from each before the next scale
	Grouped  = "grouped"   // from each group of scales whose activations fit the budget

	Progressive = "progressive" // one scale at a time, the next later in training: Stepper.Stage
)

// ScaleModes are their names.
var ScaleModes = []string{Summed, PerScale, Grouped, Progressive}

// Ways to change the weights, both AdamW.
const (
	Fused = "fused" // in one kernel
	Loop  = "loop"  // weight by weight, by operators on whole tensors
)

// Optimizers are their names.
var Optimizers = []string{Fused, Loop}

// Settings are the ways to make a step. The zero value is one micro-batch in fp32 at
// one scale, nothing computed twice. The JSON is part of a run's settings (package
// train).
type Settings struct {
	Precision     string `json:"precision,omitempty"`     // one of Precisions; "": FP32
	ChannelsLast  bool   `json:"channels_last,omitempty"` // images and the weights of convolutions have the channels of a pixel side by side in memory
	Accumulate    int    `json:"accumulate,omitempty"`    // micro-batches of a step; 0: 1
	Checkpointing string `json:"checkpointing,omitempty"` // what the backward pass computes again, a policy of package nn; "": nothing
	Optimizer     string `json:"optimizer,omitempty"`     // one of Optimizers; "": Fused
	Multi         Multi  `json:"multi,omitzero"`          // several scales
}

// Multi are the settings of training at several scales. The zero value is one
// scale.
type Multi struct {
	Scales        []int   `json:"scales,omitempty"`        // sides that images are resized to, at least two, in the order of the passes, the reference of the consistency term first
	Mode          string  `json:"mode,omitempty"`          // one of ScaleModes; "": Summed
	Budget        int64   `json:"budget,omitempty"`        // Grouped: bytes of activations of a group
	Split         bool    `json:"split,omitempty"`         // pass images through large scales in parts that have no more pixels than the batch has at the smallest
	Checkpointing string  `json:"checkpointing,omitempty"` // as Settings.Checkpointing, for the largest scale alone
	Consistency   float64 `json:"consistency,omitempty"`   // λ
}

// MicroBatches returns the number of micro-batches of a whole step.
func (s *Settings) MicroBatches() int { return max(s.Accumulate, 1) }

// DType returns the type that autocast uses, Float32 for none.
func (s *Settings) DType() torch.DType {
	switch s.Precision {
	case BF16:
		return torch.BFloat16
	case FP16:
		return torch.Float16
	}
	return torch.Float32
}

// Check returns an error if the settings make no sense.
func (s *Settings) Check() error {
	if err := oneOf("precision", s.Precision, Precisions); err != nil {
		return err
	}
	if s.Accumulate < 0 || s.Accumulate > 65_536 {
		return fmt.Errorf("accumulate %d; want 1 to 65536 micro-batches", s.Accumulate)
	}
	if err := oneOf("optimizer", s.Optimizer, Optimizers); err != nil {
		return err
	}
	if s.Optimizer == Loop && s.Precision == FP16 {
		return fmt.Errorf("optimizer %s with precision %s; a step whose scaled gradients overflow is skipped by the %s kernel alone", Loop, FP16, Fused)
	}
	for _, name := range []string{s.Checkpointing, s.Multi.Checkpointing} {
		if _, err := parsePolicy(name); err != nil {
			return fmt.Errorf("checkpointing: %w", err)
		}
	}
	return s.Multi.check()
}

// CheckExchange returns an error if several ranks cannot make such steps. What is
// computed again goes back by itself, scale by scale, and c10d's reducer takes each
// weight's gradient once in a backward pass.
func (s *Settings) CheckExchange() error {
	m := &s.Multi
	together := len(m.Scales) > 0 && m.Mode != PerScale && m.Mode != Progressive
	for _, name := range []string{s.Checkpointing, m.Checkpointing} {
		if p, err := parsePolicy(name); together && (err != nil || p != nn.KeepAll) {
			return fmt.Errorf("checkpointing %q of several scales that are gone back from together; several ranks want mode %s", name, PerScale)
		}
	}
	return nil
}

// parsePolicy is nn.ParsePolicy that knows what no name is.
func parsePolicy(name string) (nn.Policy, error) {
	if name == "" {
		return nn.KeepAll, nil
	}
	return nn.ParsePolicy(name)
}

func (m *Multi) check() error {
	switch {
	case len(m.Scales) == 0 && (m.Mode != "" || m.Budget != 0 || m.Split || m.Checkpointing != "" || m.Consistency != 0):
		return fmt.Errorf("settings of several scales without scales")
	case len(m.Scales) == 1:
		return fmt.Errorf("scales %d; want two or more", m.Scales[0])
	case m.Mode == Grouped && m.Budget <= 0:
		return fmt.Errorf("mode %s without a budget of bytes", Grouped)
	case m.Mode != Grouped && m.Budget != 0:
		return fmt.Errorf("a budget is for mode %s", Grouped)
	case m.Mode == Progressive && m.Consistency != 0:
		return fmt.Errorf("a consistency term, but mode %s has one scale at a time", Progressive)
	case !(m.Consistency >= 0 && m.Consistency <= 1000):
		return fmt.Errorf("consistency %g; want 0 to 1000", m.Consistency)
	}
	for i, side := range m.Scales {
		if side < 8 || side > 4096 || slices.Contains(m.Scales[:i], side) {
			return fmt.Errorf("scale %d; want different sides from 8 to 4096", side)
		}
	}
	return oneOf("mode of the scales", m.Mode, ScaleModes)
}

// oneOf returns an error unless word is one of names or empty.
func oneOf(what, word string, names []string) error {
	if word == "" || slices.Contains(names, word) {
		return nil
	}
	hint := ""
	if near := nearest.Name(word, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("%s %q; want one of %s%s", what, word, strings.Join(names, ", "), hint)
}
