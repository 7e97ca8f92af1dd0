package score

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

func images(t testing.TB, n, pixels int) *survey.Set {
	t.Helper()
	s, err := survey.Simulate(filepath.Join(t.TempDir(), "set"), survey.Spec{Seed: 1, Count: n, Pixels: pixels, Bands: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// network returns one with weights of a formula, scrambled so that images differ.
func network(t testing.TB, name string, pixels int) *trained.Network {
	t.Helper()
	m, err := model.New(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	n, err := trained.Save(filepath.Join(t.TempDir(), name), trained.Manifest{Model: name, Bands: 2, Pixels: pixels, Input: pixels,
		Stretch: stretch.Asinh, Temperature: 1}, m.Params, nn.Formula{Seed: 3, Scrambled: true})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func score(t *testing.T, n *trained.Network, images survey.Images, c Config) *Scores {
	t.Helper()
	s, err := Images(t.Context(), n, images, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Scores belong to their images: whatever the batches and the goroutines, and in
// another order too.
func TestOrder(t *testing.T) {
	set, n := images(t, 11, 16), network(t, model.Tiny, 16)
	want := score(t, n, set, Config{Batch: 1, Threads: 1})
	if len(want.Logit) != 11 || want.Variance != nil || slices.Max(want.Logit)-slices.Min(want.Logit) < 1e-3 {
		t.Fatalf("scores %v", want)
	}
	for _, c := range []Config{{Batch: 4, Workers: 3}, {Batch: 11}, {Batch: 64, Workers: 1, Threads: 2}, {}} {
		got := score(t, n, set, c)
		for i := range want.Logit {
			if math.Abs(got.Logit[i]-want.Logit[i]) > 1e-5 {
				t.Errorf("%+v: logit %d is %g, %g alone", c, i, got.Logit[i], want.Logit[i])
			}
		}
	}
	told := 0
	score(t, n, set, Config{Batch: 4, Watch: func(done, of int) { told = 100*done + of }})
	if told != 1111 {
		t.Errorf("at the end told %d", told)
	}
}

// Monte-Carlo scores repeat with the seed, and their mean is about the logit
// without dropout.
func TestMonteCarlo(t *testing.T) {
	set, n := images(t, 6, 16), network(t, model.Tiny, 16)
	plain := score(t, n, set, Config{})
	a := score(t, n, set, Config{Batch: 4, MonteCarlo: 400, Seed: 5})
	b := score(t, n, set, Config{Batch: 4, MonteCarlo: 400, Seed: 5, Workers: 2})
	c := score(t, n, set, Config{Batch: 4, MonteCarlo: 400, Seed: 6})
	if !slices.Equal(a.Logit, b.Logit) || !slices.Equal(a.Variance, b.Variance) || slices.Equal(a.Logit, c.Logit) {
		t.Error("scores do not depend on the seed and on it alone")
	}
	for i, z := range plain.Logit {
		if d := math.Abs(a.Logit[i] - z); !(a.Variance[i] > 0) || d > 5*math.Sqrt(a.Variance[i]/400) {
			t.Errorf("image %d: %g ± %g, %g without dropout", i, a.Logit[i], math.Sqrt(a.Variance[i]), z)
		}
	}
}

func TestErrors(t *testing.T) {
	set, n := images(t, 2, 16), network(t, model.Tiny, 16)
	other := network(t, model.Tiny, 32)
	three, err := survey.Simulate(filepath.Join(t.TempDir(), "three"), survey.Spec{Seed: 1, Count: 1, Pixels: 16})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		n      *trained.Network
		images survey.Images
		c      Config
		want   string
	}{
		{n, three, Config{}, "images of 3 bands, " + n.Dir + " was trained on 2"},
		{other, set, Config{}, "images of 16×16 pixels, " + other.Dir + " was trained on 32×32; a larger field is for --field"},
		{n, set, Config{MonteCarlo: 1}, "1 passes have no variance"},
		{n, set, Config{Batch: -1}, "batch -1 is negative"},
		{n, set, Config{Threads: 2000}, "threads 2000 is not between 0 and 1024"},
		{n, set, Config{Workers: -1}, "workers -1 is negative"},
		{n, set, Config{Plan: "int4"}, `plan "int4", want one of folded, fp32, bf16, int8`},
		{n, set, Config{Plan: plan.Int8}, n.Dir + " has no calibration.safetensors, which an int8 plan takes; lens calibrate makes it"},
	} {
		if _, err := Images(t.Context(), tc.n, tc.images, tc.c); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %q", err, tc.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Images(ctx, n, set, Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Plans score as the network does, within their tolerances, and int8 with the
// calibration of these weights alone.
func TestPlans(t *testing.T) {
	set, n := images(t, 11, 16), network(t, model.Tiny, 16)
	if c, err := Calibrate(t.Context(), n, set, Config{Batch: 4}); err != nil || c.Images != 11 {
		t.Fatalf("calibration %+v, %v", c, err)
	}
	want, passes := score(t, n, set, Config{}), score(t, n, set, Config{Batch: 4, MonteCarlo: 8})
	for p, tolerance := range map[plan.Precision]float64{plan.Folded: 1e-5, plan.Float32: 1e-5, plan.BFloat16: 2e-2, plan.Int8: 0.1} {
		got := score(t, n, set, Config{Batch: 4, Plan: p})
		for i, z := range want.Logit {
			if d := math.Abs(got.Logit[i] - z); !(d <= tolerance*max(1, math.Abs(z))) {
				t.Errorf("%s: logit %d is %g, the network's %g", p, i, got.Logit[i], z)
			}
		}
		if p != plan.Float32 && p != plan.Folded && slices.Equal(got.Logit, want.Logit) {
			t.Errorf("%s: logits are the network's to the bit", p)
		}
		sampled := score(t, n, set, Config{Batch: 4, Plan: p, MonteCarlo: 8})
		for i, z := range passes.Logit {
			d, v := math.Abs(sampled.Logit[i]-z), passes.Variance[i]
			if !(d <= tolerance*max(1, math.Abs(z))) || !(v > 0) || math.Abs(sampled.Variance[i]-v) > 2*tolerance*max(1, v) {
				t.Errorf("%s: 8 passes: logit %d is %g ± %g, the network's %g ± %g", p, i, sampled.Logit[i], math.Sqrt(sampled.Variance[i]), z, math.Sqrt(v))
			}
		}
	}
	m, err := n.Model()
	if err != nil {
		t.Fatal(err)
	}
	other, err := trained.Save(n.Dir, n.Manifest, m.Params, nn.Formula{Seed: 4, Scrambled: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Images(t.Context(), other, set, Config{Plan: plan.Int8}); !errors.Is(err, plan.ErrStale) {
		t.Errorf("calibration of other weights: %v", err)
	}
}

// BenchmarkMonteCarlo: K samples cost hardly more than one pass, where dropout is
// only in the head.
func BenchmarkMonteCarlo(b *testing.B) {
	for _, k := range []int{0, 20} {
		b.Run(map[int]string{0: "one pass", 20: "20 samples"}[k], func(b *testing.B) {
			set, n := images(b, 64, 64), network(b, "resnet18", 64)
			for b.Loop() {
				if _, err := Images(b.Context(), n, set, Config{Batch: 32, MonteCarlo: k}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
