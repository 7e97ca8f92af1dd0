package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"lensbench/system/nn"
	"lensbench/system/safetensors"
	"lensbench/torch"
)

// A golden file is what testdata/golden.py writes.
type golden struct {
	Torch     string            `json:"torch"`      // version of PyTorch
	StateDict map[string]string `json:"state_dict"` // SHA-256 of names and shapes, by model
	Cases     []struct {
		Model     string    `json:"model"`
		Scrambled bool      `json:"scrambled"`
		Seed      uint64    `json:"seed"`
		Shape     [4]int64  `json:"shape"`
		Logits    []float64 `json:"logits"`
	} `json:"cases"`
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestStateDict: names, shapes and order of the parameters are PyTorch's.
func TestStateDict(t *testing.T) {
	want := readGolden(t).StateDict
	for _, name := range Names() {
		m, err := New(name, 3)
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for _, p := range m.Params.All() {
			fmt.Fprintf(&lines, "%s %s\n", p.Name, safetensors.ShapeString(p.Shape))
		}
		sum := sha256.Sum256([]byte(lines.String()))
		if got := hex.EncodeToString(sum[:]); got != want[name] {
			t.Errorf("%s: state_dict differs from PyTorch's; it is\n%s", name, lines.String())
		}
	}
}

// TestLogits: logits equal those of PyTorch's modules for equal weights. The
// same kernels run in both, but attention and batch splits may differ, so the
// tolerance is 1e-4 of the largest logit; what is seen is below 1e-5.
func TestLogits(t *testing.T) {
	const tolerance = 1e-4
	for _, c := range readGolden(t).Cases {
		t.Run(fmt.Sprintf("%s,%v,scrambled=%v", c.Model, c.Shape, c.Scrambled), func(t *testing.T) {
			formula := nn.Formula{Seed: c.Seed, Scrambled: c.Scrambled}
			got := score(t, c.Model, int(c.Shape[1]), formula, func(sc *torch.Scope) *torch.Tensor {
				return images(sc, c.Seed, c.Shape)
			})
			largest := 0.
			for _, v := range c.Logits {
				largest = max(largest, math.Abs(v))
			}
			for i, want := range c.Logits {
				if diff := math.Abs(float64(got[i])-want) / largest; !(diff <= tolerance) {
					t.Errorf("logit %d: %v, PyTorch's is %v", i, got[i], want)
				}
			}
		})
	}
}

// images returns the formula's test images, of variance 1.
func images(sc *torch.Scope, seed uint64, shape [4]int64) *torch.Tensor {
	data := make([]float32, shape[0]*shape[1]*shape[2]*shape[3])
	nn.Formula{Seed: seed}.Uniform("input", float32(math.Sqrt(3)), 0, data)
	return sc.FromFloat32(data, shape[:]...)
}
