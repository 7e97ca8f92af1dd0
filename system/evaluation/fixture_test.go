package evaluation

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"lensbench/system/metric"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test -update rewrites it. Got:\n%.3000s", path, got)
	}
}

// drawn are images with a truth, and a network that finds large, bright arcs and
// takes some rings for lenses.
func drawn(seed uint64, n int) (images []Image, network, baseline []float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	kinds := []string{"galaxy", "companions", "spiral", "ring", "merger", "edge-on"}
	ease := []float64{-5, -3, -2.5, -0.5, -3, -4}
	for i := range n {
		m := Image{Name: fmt.Sprintf("images/%06d.npy", i), Label: i % 2}
		var z float64
		if m.Label == 1 {
			m.Kind = "lens"
			m.ThetaE = rounded(0.5 + 1.5*r.Float64())
			m.FluxRatio = rounded(0.02 * math.Exp(4*r.Float64()))
			z = -1 + 2*m.ThetaE + math.Log(m.FluxRatio/0.05) + 1.5*r.NormFloat64()
		} else {
			k := r.IntN(len(kinds))
			m.Kind = kinds[k]
			z = ease[k] + 1.5*r.NormFloat64()
		}
		images = append(images, m)
		network = append(network, rounded(1.3*z))
		baseline = append(baseline, rounded(metric.Probability(0.6*float64(m.Label)-0.3+0.8*r.NormFloat64())))
	}
	return images, network, baseline
}

// rounded numbers are the same on all machines, whose exp may differ in the last bit.
func rounded(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// fixture is an evaluation of a network and its baseline.
func fixture(n int) Input {
	test, testNetwork, testBaseline := drawn(1, n)
	validation, validationNetwork, validationBaseline := drawn(2, n/2)
	return Input{
		Network: &Network{Name: "default", Model: "resnet18", SHA256: "0123456789abcdef0123456789abcdef", Bands: 3, Pixels: 64,
			Survey: "lsst-y10", Temperature: 1.25},
		Data: Data{Path: "survey", SHA256: "fedcba9876543210", Generator: "lensbench-sky-3", Survey: "lsst-y10", Split: "test", FluxBand: "g"},
		Test: test, Validation: validation, Split: "validation",
		Classifiers: []Classifier{
			{"network", Logits, testNetwork, validationNetwork},
			{"trivial features", Probabilities, testBaseline, validationBaseline},
		},
		Bootstrap: metric.Bootstrap{Replicates: 200, Seed: 1},
		Mistakes:  4,
		Picture:   gradient,
	}
}

// gradient is a picture that differs from image to image.
func gradient(i int) ([]byte, error) {
	pixels := make([]float32, 3*16*16)
	for k := range pixels {
		pixels[k] = float32((k*(i+3))%97) / 97
	}
	return PNG(pixels, 3, 16, 16)
}

func evaluated(t testing.TB, in Input) *Document {
	t.Helper()
	d, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
