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
	if got := two[2].Sample.Extra["shared_exchange"]; got != 1 {
		t.Errorf("shared_exchange is %v of two ranks on one machine, want 1", got)
	}
	sent := talk(t, prepare(frozenRanks+`"ranks": 2, "exchange": "gloo"}`, "time", ""), gradients,
		`{"id": 3, "op": "sample", "sample": {"untimed": 1, "iterations": 2}}`)
	if got := sent[2].Sample.Extra["shared_exchange"]; got != 0 {
		t.Errorf("shared_exchange is %v with exchange gloo, want 0", got)
	}
	if d := furthest(sent[1].Outputs.Values, two[1].Outputs.Values); d > 1e-6 {
		t.Errorf("gradients that are sent differ from those through shared memory by %g", d)
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

// final_quality of two ranks is of one training with steps of the same images as
// that of one process: it repeats exactly, and refuses what would be another.
func TestFinalQualityOfRanks(t *testing.T) {
	t.Setenv(brief, "yes")
	defer func(whole shortTraining) { finalTraining = whole }(finalTraining)
	finalTraining = briefTraining
	cache := t.TempDir()
	const ask = `{"id": 2, "op": "verify", "verify": {"check": "final_quality"}}`
	quality := func(settings string) []protocol.Number {
		t.Helper()
		r := talk(t, prepare(frozenRanks+settings, "time", cache), ask, ask)
		if r[1].Error != nil || r[2].Error != nil {
			t.Fatalf("%s: %v, %v", settings, r[1].Error, r[2].Error)
		}
		if !slices.Equal(r[1].Outputs.Values, r[2].Outputs.Values) {
			t.Errorf("%s: final_quality is %v, then %v", settings, r[1].Outputs.Values, r[2].Outputs.Values)
		}
		return r[1].Outputs.Values
	}
	one, two := quality(`"accumulate": 2}`), quality(`"ranks": 2}`)
	seeds := briefTraining.seeds
	for i := range seeds {
		// Running statistics and masks are others, so losses are only near.
		if ratio := float64(two[i] / one[i]); !(ratio > 0.5 && ratio < 2) {
			t.Errorf("seed %d: loss %v of two ranks, %v of one", i, two[i], one[i])
		}
		if lost := two[2*seeds+i]; lost != 0 {
			t.Errorf("seed %d: %v steps were lost", i, lost)
		}
	}
	r := talk(t, prepare(frozenRanks+`"ranks": 3}`, "time", cache), ask)
	const want = "final_quality is of steps of 8 images, which accumulate 1 and ranks 3 do not divide"
	if r[1].Error == nil || !strings.Contains(r[1].Error.Message, want) {
		t.Errorf("%+v, want %q", r[1].Error, want)
	}
}

// Memory of two ranks is that of both: each has weights and moments.
func TestMemoryOfRanks(t *testing.T) {
	memory := func(settings string) protocol.Memory {
		t.Helper()
		c := converse(t)
		defer c.end(t)
		if r := c.ask(prepare(frozenRanks+settings, "memory", "")); r.Error != nil {
			t.Fatal(r.Error)
		}
		var all [2]protocol.Sample
		for i := range all {
			r := c.ask(`{"id": 2, "op": "sample", "sample": {"untimed": 2, "iterations": 2}}`)
			if r.Error != nil || r.Sample.Memory.AtPeak.Total() != r.Sample.TensorPeak {
				t.Fatalf("%+v, %+v", r.Sample, r.Error)
			}
			all[i] = *r.Sample
		}
		if all[0].TensorPeak != all[1].TensorPeak {
			t.Errorf("peak %d, then %d", all[0].TensorPeak, all[1].TensorPeak)
		}
		return *all[0].Memory
	}
	one, two := memory(`"ranks": 1}`), memory(`"ranks": 2}`)
	a, b := one.AtPeak, two.AtPeak
	if b.Weights != 2*a.Weights || b.Optimiser != 2*a.Optimiser || two.ActivationPeak != 2*one.ActivationPeak {
		t.Errorf("two ranks have %+v and activations of %d, one has %+v and %d", b, two.ActivationPeak, a, one.ActivationPeak)
	}
	// The reducer's buckets are as large as all gradients.
	const trainable = 11_177_025
	if more := two.AtPeak.Total() - 2*one.AtPeak.Total(); more < 2*4*trainable {
		t.Errorf("two ranks have %d bytes more than twice those of one, want %d for buckets at least", more, 2*4*trainable)
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
