package protocol

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// Kinds of Device; all but the CPU are accelerators.
const (
	DeviceCPU  = "cpu"
	DeviceCUDA = "cuda"
)

// A Device is something that a worker can compute on.
type Device struct {
	Kind     string   `json:"kind"`               // DeviceCPU or DeviceCUDA
	Name     string   `json:"name"`               // model, as its maker calls it
	Features []string `json:"features,omitempty"` // what it computes in hardware: words of featureNames
}

// Needs that an arm may name, further to a number of accelerators such as
// "2 devices". A need for a type of numbers is one for instructions: every
// device can compute in it slowly.
const (
	NeedCUDA = "cuda"
	NeedBF16 = "bf16"
	NeedFP16 = "fp16"
	NeedInt8 = "int8"
)

// featureNames are the features of which one meets a need: the need itself, as
// accelerators have it, or what Linux calls the instructions of a CPU. Those of
// avx512_fp16 do not: with them alone oneDNN 3.10 makes the gradients of convolutions'
// weights by its reference kernel, and a step of resnet18 takes a hundred times as long
// as in bfloat16.
var featureNames = map[string][]string{
	NeedBF16: {"bf16", "avx512_bf16", "amx_bf16"},
	NeedFP16: {"fp16", "amx_fp16"},
	NeedInt8: {"int8", "avx512_vnni", "avx_vnni", "amx_int8"},
}

// FeaturesFor are the features of which one meets a need; none for a need that
// is not one for features.
func FeaturesFor(need string) []string { return slices.Clone(featureNames[need]) }

// Needs are the words that need no number.
func Needs() []string { return []string{NeedCUDA, NeedBF16, NeedFP16, NeedInt8} }

// DevicesPattern matches a need for several accelerators.
const DevicesPattern = `^([2-9]|[1-5][0-9]|6[0-4]) devices$`

var devicesNeed = regexp.MustCompile(DevicesPattern)

// DevicesNeeded returns the number of a need such as "2 devices".
func DevicesNeeded(need string) (n int, ok bool) {
	m := devicesNeed.FindStringSubmatch(need)
	if m == nil {
		return 0, false
	}
	n, _ = strconv.Atoi(m[1]) // the pattern admits numbers alone
	return n, true
}

// Lacks says what of the needs a worker's devices do not meet, "" if they meet
// all. Needs for features are met by the devices that the others choose: of an
// arm that needs cuda and bf16, a CPU with bf16 is no help.
func Lacks(needs []string, devices []Device) string {
	usable := devices
	for _, need := range needs {
		if n, ok := DevicesNeeded(need); ok {
			usable = accelerators(devices)
			if len(usable) < n {
				return fmt.Sprintf("needs %s; this machine has %s", need, listed(usable))
			}
		}
	}
	if slices.Contains(needs, NeedCUDA) {
		if usable = ofKind(devices, DeviceCUDA); len(usable) == 0 {
			return "needs cuda; this machine has none"
		}
	}
	for _, need := range needs {
		if names := featureNames[need]; names != nil && !slices.ContainsFunc(usable, func(d Device) bool { return d.hasOne(names) }) {
			return fmt.Sprintf("needs %s, which is not in the hardware of this machine: %s", need, listed(usable))
		}
	}
	return ""
}

func (d Device) hasOne(features []string) bool {
	return slices.ContainsFunc(features, func(f string) bool { return slices.Contains(d.Features, f) })
}

func ofKind(devices []Device, kind string) []Device {
	return slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Kind != kind })
}

func accelerators(devices []Device) []Device {
	return slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Kind == DeviceCPU })
}

// listed is "2 (NVIDIA A100, NVIDIA A100)".
func listed(devices []Device) string {
	if len(devices) == 0 {
		return "none"
	}
	s := fmt.Sprintf("%d (", len(devices))
	for i, d := range devices {
		if i > 0 {
			s += ", "
		}
		s += d.Name
	}
	return s + ")"
}
