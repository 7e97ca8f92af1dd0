package nn

import (
	"math"
	"slices"
	"testing"
)

// TestFormulaVectors holds values computed with Python's integers from the
// definition in the package comment, as numerators over 2²³.
func TestFormulaVectors(t *testing.T) {
	cases := []struct {
		name string
		seed uint64
		want []int32
	}{
		{"", 0, []int32{6653907, -5812642, -1426051, -5002685}},
		{"input", 0, []int32{-4362833, -263717, -7375721, -1805013}},
		{"input", 7, []int32{-6723176, -6756328, 6602721, 5714105}},
		{"backbone.conv1.weight", 2147483647, []int32{-7465304, -4831347, 7082679, 2198967}},
	}
	for _, c := range cases {
		got := make([]float32, len(c.want))
		Formula{Seed: c.seed}.Uniform(c.name, 1, 0, got)
		for i, v := range got {
			if v != float32(c.want[i])/(1<<23) {
				t.Errorf("%q, seed %d, element %d: %v, want %d/2²³", c.name, c.seed, i, v, c.want[i])
			}
		}
	}
}

// TestFillParts: elements do not depend on how the work was shared out.
func TestFillParts(t *testing.T) {
	whole := make([]float32, 3<<16+7)
	Formula{Seed: 5}.Uniform("x", 1, 0, whole)
	alone := make([]float32, len(whole))
	fillFrom(alone, 0, key("x", 5), Init{Bound: 1})
	if !slices.Equal(whole, alone) {
		t.Error("parallel and sequential filling differ")
	}
	part := make([]float32, 1000)
	Formula{Seed: 5}.Uniform("x", 1, 777, part)
	if !slices.Equal(part, whole[777:1777]) {
		t.Error("elements from 777 on differ from those of the whole")
	}
}

// TestUniform: moments and range. Tolerances are five standard errors.
func TestUniform(t *testing.T) {
	const n = 1 << 18
	v := make([]float32, n)
	Formula{Seed: 1}.Uniform("input", 2, 0, v)
	var sum, squares float64
	for _, x := range v {
		if x < -2 || x >= 2 {
			t.Fatalf("%v outside [-2, 2)", x)
		}
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	mean, variance := sum/n, squares/n
	if se := 2 / math.Sqrt(3*n); math.Abs(mean) > 5*se {
		t.Errorf("mean %v, standard error %v", mean, se)
	}
	if se := 4 * math.Sqrt(4./45/n); math.Abs(variance-4./3) > 5*se {
		t.Errorf("variance %v, want 4/3 ± %v", variance, se)
	}
}

func TestScrambled(t *testing.T) {
	b := NewBuilder()
	b.BatchNorm("bn", 1000)
	b.Linear("fc", 1000, 1)
	for _, p := range b.Params().All() {
		plain, scrambled := make([]float32, p.Len()), make([]float32, p.Len())
		Formula{}.Fill(p, plain)
		Formula{Scrambled: true}.Fill(p, scrambled)
		switch constant := p.Init.Bound == 0; {
		case constant && slices.ContainsFunc(plain, func(v float32) bool { return v != p.Init.Centre }):
			t.Errorf("%s: %v is not constant", p.Name, plain[:5])
		case !constant && !slices.Equal(plain, scrambled):
			t.Errorf("%s: scrambling changed a parameter that varies anyway", p.Name)
		}
		if lo, hi := slices.Min(scrambled), slices.Max(scrambled); p.Len() > 1 && hi-lo < p.Init.Bound {
			t.Errorf("%s: scrambled to [%v, %v]", p.Name, lo, hi)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	v := make([]float32, 1<<20)
	b.SetBytes(int64(4 * len(v)))
	for b.Loop() {
		Formula{}.Uniform("x", 1, 0, v)
	}
}
