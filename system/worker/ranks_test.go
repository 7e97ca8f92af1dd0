package worker

import (
	"os"
	"slices"
	"strings"
	"testing"

	"lensbench/protocol"
)

const frozenRanks = `{"kind": "train", "model": "resnet18", "pixels": 32, "batch": 4, "threads": 1, "layers": "frozen", `

// Two ranks are one worker: they count together, and have the gradient that one
// process has of all their images.
func TestRanks(t *testing.T) {
	const gradients = `{"id": 2, "op": "verify", "verify": {"check": "gradients"}}`
	two := talk(t, prepare(frozenRanks+`"ranks": 2}`, "time", ""), gradients,
		`{"id": 3, "op": "sample", "sample": {"untimed": 1, "iterations": 2}}`, gradients)
	if two[0].Facts == nil || two[0].Facts.ItemsPerIteration != 8 {
		t.Fatalf("%+v, %+v", two[0].Facts, two[0].Error)
	}
	checkSample(t, two[2].Sample, 2, 16)
	for _, key := range []string{"communication_share", "straggler_spread"} {
		if v, ok := two[2].Sample.Extra[key]; !ok || !(v > -2 && v <= 2) {
			t.Errorf("%s is %v, %v", key, v, ok)
		}
	}
	one := talk(t, prepare(frozenRanks+`"check_images": 8}`, "time", ""), gradients)
	for _, o := range []*protocol.Outputs{two[1].Outputs, two[3].Outputs} {
		if d := furthest(o.Values, one[1].Outputs.Values); d > 1e-6 {
			t.Errorf("gradients of two ranks differ from those of one by %g", d)
		}
	}
}

// furthest is the largest difference, relative to the largest value.
func furthest(a, b []protocol.Number) float64 {
	worst, largest := 0.0, 0.0
	for i := range b {
		worst, largest = max(worst, float64(a[i]-b[i]), float64(b[i]-a[i])), max(largest, float64(b[i]), float64(-b[i]))
	}
	return worst / largest
}

// Ranks that do not exchange gradients are found.
func TestRanksThatDoNotExchange(t *testing.T) {
	t.Setenv(apart, "yes")
	exchanging = false
	defer func() { exchanging = true }()
	const gradients = `{"id": 2, "op": "verify", "verify": {"check": "gradients"}}`
	two := talk(t, prepare(frozenRanks+`"ranks": 2}`, "time", ""), gradients)
	one := talk(t, prepare(frozenRanks+`"check_images": 8}`, "time", ""), gradients)
	if two[1].Outputs == nil || furthest(two[1].Outputs.Values, one[1].Outputs.Values) < 1e-2 {
		t.Error("gradients that are not averaged go unnoticed")
	}
}

func TestRanksRefuse(t *testing.T) {
	r := talk(t, prepare(`{"kind": "train", "model": "resnet18", "ranks": 65}`, "time", ""),
		prepare(frozenRanks+`"check_images": 6}`, "time", ""), `{"id": 2, "op": "verify", "verify": {"check": "gradients"}}`)
	r = append(r, talk(t, prepare(`{"kind": "train", "model": "resnet18", "ranks": 2, "scales": ["32", "48"], "checkpointing": "block"}`, "time", ""))...)
	for i, want := range map[int]string{3: "several ranks want mode per-scale", 0: "ranks: 65, want 1 to 64", 2: "check_images: 6, want a multiple of 4 images"} {
		if r[i].Error == nil || !strings.Contains(r[i].Error.Message, want) {
			t.Errorf("%+v, want %q", r[i].Error, want)
		}
	}
	if i := slices.IndexFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "WORLD_SIZE=") }); i >= 0 {
		t.Error("a worker's own environment has become that of a rank")
	}
}
