package metric

import (
	"math"
	"testing"
)

var inf, nan = math.Inf(1), math.NaN()

// same says whether numbers are equal but for rounding; NaN is equal to itself.
func same(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-12*max(1, math.Abs(b))
}

func mustScores(t testing.TB, scores []float64, labels []int) *Sample {
	t.Helper()
	s, err := OfScores(scores, labels)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRanking: cases by hand. 1 is a lens.
func TestRanking(t *testing.T) {
	for _, c := range []struct {
		name   string
		scores []float64
		labels []int
		auroc  float64
		auprc  float64
		tpr0   float64 // at FPR = 0
		tpr50  float64 // at FPR ≤ ½
	}{
		{"perfect", []float64{4, 3, 2, 1}, []int{1, 1, 0, 0}, 1, 1, 1, 1},
		{"backwards", []float64{1, 2, 3, 4}, []int{1, 1, 0, 0}, 0, (1./3 + 2./4) / 2, 0, 0},
		// Pairs: 4>3, 4>1, 2<3, 2>1.
		{"alternating", []float64{4, 3, 2, 1}, []int{1, 0, 1, 0}, 3. / 4, (1. + 2./3) / 2, 1. / 2, 1},
		{"all equal", []float64{7, 7, 7, 7}, []int{1, 0, 0, 1}, 1. / 2, 2. / 4, 0, 0},
		// Lens 2 ties with another at 2: pairs 3>2, 3>1, 2=2 (½), 2>1.
		{"one tie", []float64{3, 2, 2, 1}, []int{1, 1, 0, 0}, 3.5 / 4, (1. + 2./3) / 2, 1. / 2, 1},
		{"order of ties does not matter", []float64{3, 2, 2, 1}, []int{1, 0, 1, 0}, 3.5 / 4, (1. + 2./3) / 2, 1. / 2, 1},
		{"infinite", []float64{inf, inf, 0, -inf, -inf}, []int{1, 0, 1, 0, 1}, (0.5 + 1 + 0 + 1 + 0 + 0.5) / 6,
			(1./2 + 2./3 + 3./5) / 3, 0, 2. / 3},
		{"zeros of both signs tie", []float64{0, math.Copysign(0, -1)}, []int{0, 1}, 1. / 2, 1. / 2, 0, 0},
		{"no lens", []float64{1, 2}, []int{0, 0}, nan, nan, nan, nan},
		{"only lenses", []float64{1, 2}, []int{1, 1}, nan, 1, nan, nan},
		{"nothing", nil, nil, nan, nan, nan, nan},
	} {
		s := mustScores(t, c.scores, c.labels)
		for _, v := range []struct {
			what      string
			got, want float64
		}{
			{"AUROC", s.AUROC(), c.auroc}, {"AUPRC", s.AUPRC(), c.auprc},
			{"TPR at FPR 0", s.TPRAtFPR(0), c.tpr0}, {"TPR at FPR ½", s.TPRAtFPR(0.5), c.tpr50},
		} {
			if !same(v.got, v.want) {
				t.Errorf("%s: %s is %v, want %v", c.name, v.what, v.got, v.want)
			}
		}
	}
}
