package worker

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/score"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/trained"
)

const judgedImages = 11 // no multiple of any batch here

// school is a cache with a survey and networks that count as trained: their weights are
// of a formula.
func school(t *testing.T, names ...string) (cache string) {
	t.Helper()
	cache = t.TempDir()
	dir := filepath.Join(trained.Surveys(cache), "default")
	if _, err := survey.Simulate(dir, survey.Spec{Seed: 1, Train: 2, Validation: 8, Test: 16, Pixels: 32, Bands: 3}); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		graduate(t, cache, name, fmt.Sprintf("%s-%d", name, i), uint64(i))
	}
	return cache
}

// graduate saves a network of that name. Its threshold is its number.
func graduate(t *testing.T, cache, kind, name string, seed uint64) *trained.Network {
	t.Helper()
	m, err := model.New(kind, 3)
	if err != nil {
		t.Fatal(err)
	}
	n, err := trained.Save(filepath.Join(trained.Models(cache), name), trained.Manifest{Model: kind, Bands: 3, Pixels: 32, Input: 32,
		Stretch: stretch.Asinh, Temperature: 2, Thresholds: map[string]float64{decisive: float64(seed)}}, m.Params, nn.Formula{Seed: seed, Scrambled: true})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// calibrate leaves a calibration with a network.
func calibrate(t *testing.T, cache string, n *trained.Network) {
	t.Helper()
	all, err := survey.OpenImages(filepath.Join(trained.Surveys(cache), "default"))
	if err != nil {
		t.Fatal(err)
	}
	validation, err := survey.Part(all, survey.Validation)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := score.Calibrate(t.Context(), n, validation, score.Config{}); err != nil {
		t.Fatal(err)
	}
}

// expected are the logits of the first test images, by package score.
func expected(t *testing.T, cache string, n *trained.Network) []float64 {
	t.Helper()
	images, err := testImages(filepath.Join(trained.Surveys(cache), "default"), judgedImages)
	if err != nil {
		t.Fatal(err)
	}
	s, err := score.Images(t.Context(), n, images, score.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s.Logit
}

var verifyScores = fmt.Sprintf(`{"id": 3, "op": "verify", "verify": {"check": "scores", "survey": "default", "images": %d}}`, judgedImages)

// TestScores: whatever is timed scores the test images of the survey as package score
// does, all of them, with their labels and the network's threshold.
func TestScores(t *testing.T) {
	cache := school(t)
	n := graduate(t, cache, "resnet18", "mine", 3)
	calibrate(t, cache, n)
	want := expected(t, cache, n)
	if slices.Max(want)-slices.Min(want) < 1e-3 {
		t.Fatalf("the network says the same of all images: %v", want)
	}
	for how, tolerance := range map[string]float64{
		``:                                 1e-5,
		`, "layout": "channels-last"`:      1e-4,
		`, "plan": "fp32"`:                 1e-4,
		`, "plan": "bf16"`:                 5e-2,
		`, "plan": "int8"`:                 0.3,
		`, "plan": "fp32", "search": true`: 1e-4,
	} {
		settings := `{"kind": "inference", "model": "resnet18", "trained": ["mine"], "pixels": 32, "batch": 4, "threads": 1` + how + `}`
		r := talk(t, prepare(settings, "time", cache), `{"id": 2, "op": "sample", "sample": {"iterations": 1}}`, verifyScores)
		if r[0].Error != nil || r[2].Error != nil {
			t.Fatalf("%s: %+v, %+v", how, r[0].Error, r[2].Error)
		}
		o := r[2].Outputs
		if !slices.Equal(o.Shape, []int{3, judgedImages}) || len(o.Values) != 3*judgedImages {
			t.Fatalf("%s: shape %v, %d values", how, o.Shape, len(o.Values))
		}
		lenses := 0
		for i, z := range want {
			if d := math.Abs(float64(o.Values[i]) - z); !(d <= tolerance*max(1, math.Abs(z))) {
				t.Errorf("%s: logit %d is %v, want %v", how, i, o.Values[i], z)
			}
			if o.Values[judgedImages+i] != 3 {
				t.Errorf("%s: threshold %v, want 3", how, o.Values[judgedImages+i])
			}
			lenses += int(o.Values[2*judgedImages+i])
		}
		if lenses == 0 || lenses == judgedImages {
			t.Errorf("%s: %d lenses of %d images", how, lenses, judgedImages)
		}
	}
}

// TestScoresRefused: what is not there makes an arm skipped, with the command that makes
// it; what cannot be right fails.
func TestScoresRefused(t *testing.T) {
	cache := school(t)
	n := graduate(t, cache, "resnet18", "mine", 3)
	const plain = `{"kind": "inference", "model": "resnet18", "trained": ["mine"], "pixels": 32`
	for _, c := range []struct{ settings, kind, message string }{
		{`{"kind": "inference", "model": "resnet18", "trained": ["default"], "pixels": 32}`, protocol.Unsupported, "make train makes the one called default"},
		{`{"kind": "inference", "model": "resnet34", "trained": ["mine"], "pixels": 32}`, protocol.BadRequest, "it is a resnet18, not a resnet34"},
		{`{"kind": "inference", "model": "resnet18", "trained": ["mine"]}`, protocol.BadRequest, "it takes 32 pixels, and pixels is 64"},
		{`{"kind": "inference", "model": "resnet18", "trained": ["mine", "mine"], "pixels": 32}`, protocol.BadRequest, "2 networks for 1 members"},
		{plain + `, "bands": 2}`, protocol.BadRequest, "it takes 3 bands, and bands is 2"},
		{plain + `, "plan": "int8"}`, protocol.Unsupported, "lens calibrate mine --data SURVEY"},
	} {
		if r := talk(t, prepare(c.settings, "time", cache))[0]; r.Error == nil || r.Error.Kind != c.kind || !strings.Contains(r.Error.Message, c.message) {
			t.Errorf("%s: %+v; want %s: %s", c.settings, r.Error, c.kind, c.message)
		}
	}
	for _, c := range []struct{ settings, verify, kind, message string }{
		{plain + `}`, `"survey": "other", "images": 3`, protocol.Unsupported, "make train simulates the one called default"},
		{plain + `}`, `"survey": "default", "images": 17`, protocol.BadRequest, "17 test images of"},
		{resnet, `"survey": "default", "images": 3`, protocol.Unsupported, "no scores of trained networks to compare"},
		{plain + `, "passes": 3}`, `"survey": "default", "images": 3`, protocol.Unsupported, "no scores of trained networks to compare"},
	} {
		r := talk(t, prepare(c.settings, "time", cache), `{"id": 3, "op": "verify", "verify": {"check": "scores", `+c.verify+`}}`)
		if r[0].Error != nil || r[1].Error == nil || r[1].Error.Kind != c.kind || !strings.Contains(r[1].Error.Message, c.message) {
			t.Errorf("%s, %s: %+v, %+v; want %s: %s", c.settings, c.verify, r[0].Error, r[1].Error, c.kind, c.message)
		}
	}
	// A calibration of other weights is not used.
	calibrate(t, cache, n)
	graduate(t, cache, "resnet18", "mine", 4)
	if r := talk(t, prepare(plain+`, "plan": "int8"}`, "time", cache))[0]; r.Error == nil || r.Error.Kind != protocol.Failed || !strings.Contains(r.Error.Message, "the calibration is stale") {
		t.Errorf("stale calibration: %+v", r.Error)
	}
}

// TestEnsembleScores: an ensemble of trained members says the mean of what they say, with
// the mean of their thresholds, in every schedule and by plans.
func TestEnsembleScores(t *testing.T) {
	cache := school(t)
	a, b := graduate(t, cache, "resnet18", "one", 3), graduate(t, cache, "resnet18", "two", 4)
	calibrate(t, cache, a)
	calibrate(t, cache, b)
	first, second := expected(t, cache, a), expected(t, cache, b)
	for how, tolerance := range map[string]float64{
		`"schedule": "sequential"`:                                         1e-4,
		`"schedule": "processes"`:                                          1e-4,
		`"schedule": "batch-major", "plan": "fp32"`:                        1e-4,
		`"schedule": "threads", "plan": "bf16"`:                            5e-2,
		`"schedule": "processes", "plan": "int8"`:                          0.3,
		`"schedule": "batch-major", "plan": "fp32", "aggregate": "stream"`: 1e-4,
	} {
		settings := `{"kind": "ensemble", "members": ["resnet18", "resnet18"], "trained": ["one", "two"], "pixels": 32, "images": 4, "batch": 4, "threads": 1, ` + how + `}`
		r := talk(t, prepare(settings, "time", cache), verifyScores)
		if r[0].Error != nil || r[1].Error != nil {
			t.Fatalf("%s: %+v, %+v", how, r[0].Error, r[1].Error)
		}
		o := r[1].Outputs
		for i := range first {
			want := (first[i] + second[i]) / 2
			if d := math.Abs(float64(o.Values[i]) - want); !(d <= tolerance*max(1, math.Abs(want))) || o.Values[judgedImages+i] != 3.5 {
				t.Errorf("%s: logit %d is %v, want %v; threshold %v, want 3.5", how, i, o.Values[i], want, o.Values[judgedImages+i])
			}
		}
	}
}

// TestEnsembleCalibration: members that are not trained are calibrated on images that are
// not scored, so int8 needs more of them on disk, and scores as many.
func TestEnsembleCalibration(t *testing.T) {
	cache := t.TempDir()
	settings := `{"kind": "ensemble", "members": ["resnet18"], "pixels": 32, "images": 3, "batch": 2, "threads": 1, "plan": "int8"}`
	r := talk(t, prepare(settings, "time", cache), `{"id": 3, "op": "verify"}`)
	if r[0].Error != nil || r[1].Error != nil || !slices.Equal(r[1].Outputs.Shape, []int{1, 3}) {
		t.Errorf("%+v, %+v", r[0].Error, r[1])
	}
}
