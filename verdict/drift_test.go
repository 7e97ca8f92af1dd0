package verdict

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestAUROCByHand: pairs counted by hand, ties as half.
func TestAUROCByHand(t *testing.T) {
	for _, c := range []struct {
		scores, labels []float64
		want           float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{0, 0, 1, 1}, 1},
		{[]float64{4, 3, 2, 1}, []float64{0, 0, 1, 1}, 0},
		{[]float64{1, 3, 2, 4}, []float64{0, 0, 1, 1}, 0.75},
		{[]float64{5, 5, 5, 5}, []float64{0, 1, 0, 1}, 0.5},
		{[]float64{1, 2, 2, 3}, []float64{0, 0, 1, 1}, 0.875},
		{[]float64{-7, -7, 9}, []float64{0, 1, 1}, 0.75},
	} {
		if got, err := auroc(c.scores, c.labels); err != nil || got != c.want {
			t.Errorf("%v of %v: %v, %v; want %v", c.scores, c.labels, got, err, c.want)
		}
	}
}

// TestAUROCCountsPairs: against the definition, on scores with many ties.
func TestAUROCCountsPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		scores, labels := []float64{0, 0}, []float64{0, 1}
		for range 60 {
			scores, labels = append(scores, float64(rng.IntN(12))), append(labels, float64(rng.IntN(2)))
		}
		won, pairs := 0.0, 0.0
		for i, p := range scores {
			for j, n := range scores {
				if labels[i] == 1 && labels[j] == 0 {
					pairs++
					if p > n {
						won++
					} else if p == n {
						won += 0.5
					}
				}
			}
		}
		if got, err := auroc(scores, labels); err != nil || math.Abs(got-won/pairs) > 1e-12 {
			t.Fatalf("%v, %v; want %v", got, err, won/pairs)
		}
	}
}

// TestDrift: four images of which one changes sides. σ(ln 3) = 3/4, σ(0) = 1/2.
func TestDrift(t *testing.T) {
	zero, l3 := []float64{0, 0, 0, 0}, math.Log(3)
	control := Scored{[]float64{-l3, -l3, l3, l3}, zero}
	variant := Scored{[]float64{-l3, 0, l3, 0}, zero}
	d, err := DriftOf(control, variant, []float64{0, 0, 1, 1})
	want := Drift{Images: 4, Control: 1, AUROC: 0.875, Changed: 1, Median: d.Median, P99: d.P99, Max: d.Max}
	if err != nil || d != want || d.Fall() != 0.125 || d.Median > 1e-12 || math.Abs(d.P99-0.25) > 1e-12 || math.Abs(d.Max-0.25) > 1e-12 {
		t.Errorf("%+v, %v; want %+v, moved by 0 and 1/4", d, err, want)
	}
	// The threshold is part of the decision, not of the score.
	variant = Scored{control.Logits, []float64{-2, -1, 0, 2}}
	if d, err := DriftOf(control, variant, []float64{0, 0, 1, 1}); err != nil || d.Changed != 2 || d.Max != 0 || d.Fall() != 0 {
		t.Errorf("other thresholds: %+v, %v", d, err)
	}
}

func TestDriftRefusals(t *testing.T) {
	good := Scored{[]float64{1, 2}, []float64{0, 0}}
	for want, c := range map[string]struct {
		variant Scored
		labels  []float64
	}{
		"1 logits and 2 thresholds of 2 images": {Scored{[]float64{1}, []float64{0, 0}}, []float64{0, 1}},
		"image 2 has logit NaN":                 {Scored{[]float64{1, math.NaN()}, []float64{0, 0}}, []float64{0, 1}},
		"threshold +Inf; want finite numbers":   {Scored{[]float64{1, 2}, []float64{math.Inf(1), 0}}, []float64{0, 1}},
		"images of one kind only have no AUROC": {good, []float64{1, 1}},
	} {
		if _, err := DriftOf(good, c.variant, c.labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
