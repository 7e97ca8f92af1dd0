package torch_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// randomCase is what PyTorch makes of a seed; testdata/write_random.py writes it.
type randomCase struct {
	Seed     uint64    `json:"seed"`
	Randn    []float32 `json:"randn"`
	Rand     []float32 `json:"rand"`
	Randperm []int64   `json:"randperm"`
}

func TestRandomNumbersArePyTorchs(t *testing.T) {
	data, err := os.ReadFile("testdata/random.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []randomCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	randperm := find(t, "aten::randperm", "")
	for _, c := range cases {
		torchtest.Run(t, func(sc *torch.Scope) {
			sc.Seed(c.Seed)
			near(t, "randn", floats(t, sc.Randn(int64(len(c.Randn)))), c.Randn)
			near(t, "rand", floats(t, sc.Rand(int64(len(c.Rand)))), c.Rand)
			perm := make([]int64, len(c.Randperm))
			if err := sc.Call(randperm, len(perm)).CopyInt64(perm); err != nil || !slices.Equal(perm, c.Randperm) {
				t.Errorf("seed %d: randperm %v, want %v (%v)", c.Seed, perm, c.Randperm, err)
			}
		})
	}
}

// near compares to 1e-6, because libtorch's normal numbers differ in the last
// bits between instruction sets.
func near(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-6*max(1, math.Abs(float64(want[i])))) {
			t.Errorf("%s: element %d is %v, want %v", name, i, got[i], want[i])
		}
	}
}

func TestRandomStateRepeatsNumbers(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		sc.Seed(7)
		sc.Randn(3) // an odd number: a normal number is left over in the state
		state := sc.RandomState(torch.Place{})
		first := floats(t, sc.Randn(33))
		if bytes.Equal(state, sc.RandomState(torch.Place{})) {
			t.Error("drawing numbers left the state as it was")
		}
		sc.SetRandomState(torch.Place{}, state)
		if second := floats(t, sc.Randn(33)); !slices.Equal(first, second) {
			t.Errorf("numbers after setting the state: %v, want %v", second, first)
		}
	})
}
