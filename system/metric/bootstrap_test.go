package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

var all = []Statistic{{Of: (*Sample).AUROC}, {Of: (*Sample).AUPRC}, {Of: func(s *Sample) float64 { return s.TPRAtFPR(0.01) }},
	{Of: (*Sample).Brier}, {Of: (*Sample).NLL}, {Of: (*Sample).ECE, Biased: true}, {Of: (*Sample).MCE, Biased: true},
	{Of: func(s *Sample) float64 { return s.At(0).Accuracy() }}}

// drawLogits returns a sample of n images whose AUROC is Φ(distance/√2).
func drawLogits(t testing.TB, seed uint64, n int, distance float64) *Sample {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	z, labels := make([]float64, n), make([]int, n)
	for i := range z {
		labels[i] = i % 2
		z[i] = r.NormFloat64() + distance*(float64(labels[i])-0.5)
	}
	s, err := OfLogits(z, labels)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSameSeedSameBits, on any number of goroutines.
func TestSameSeedSameBits(t *testing.T) {
	s := drawLogits(t, 1, 200, 1.5)
	one := Bootstrap{Replicates: 64, Seed: 3, Workers: 1}.Estimates(s, all...)
	for _, workers := range []int{2, 7} {
		if got := (Bootstrap{Replicates: 64, Seed: 3, Workers: workers}).Estimates(s, all...); !slices.Equal(got, one) {
			t.Errorf("%d goroutines: %v, one: %v", workers, got, one)
		}
	}
	if got := (Bootstrap{Replicates: 64, Seed: 4}).Estimates(s, all...); slices.Equal(got, one) {
		t.Error("another seed gives the same intervals")
	}
}

// TestReplicateIsASample: weights give what the images written out so often give.
func TestReplicateIsASample(t *testing.T) {
	s := drawLogits(t, 2, 100, 1)
	lenses, others := s.places()
	random := Bootstrap{Seed: 8}.random(0)
	weighted := *s
	weighted.weights = make([]int32, len(s.weights))
	draw(random, weighted.weights, lenses)
	draw(random, weighted.weights, others)
	var z []float64
	var labels []int
	for i, w := range weighted.weights {
		for range w {
			z = append(z, s.scores[i])
			labels = append(labels, map[bool]int{true: 1}[s.lens[i]])
		}
	}
	written, err := OfLogits(z, labels)
	if err != nil {
		t.Fatal(err)
	}
	if written.Lenses() != s.Lenses() || written.Others() != s.Others() {
		t.Fatalf("replicate has %d lenses of %d images", written.Lenses(), len(z))
	}
	for k, st := range all {
		if got, want := st.Of(&weighted), st.Of(written); !same(got, want) {
			t.Errorf("statistic %d of weights is %v, of images %v", k, got, want)
		}
	}
}

// TestCoverage: intervals hold the truth about as often as they say. Of 200 samples
// 95 % should; fewer than 88 % happens once in 10⁵ if it is so.
func TestCoverage(t *testing.T) {
	const samples = 200
	held := func(name string, least float64, of func(seed uint64) bool) {
		n := 0
		for seed := range uint64(samples) {
			if of(seed) {
				n++
			}
		}
		if float64(n) < least*samples {
			t.Errorf("%s: %d of %d intervals hold the truth", name, n, samples)
		}
		t.Logf("%s: %d of %d intervals hold the truth", name, n, samples)
	}
	const distance = 2
	auroc := distuv.UnitNormal.CDF(distance / math.Sqrt2)
	held("AUROC", 0.88, func(seed uint64) bool {
		e := Bootstrap{Replicates: 200, Seed: seed}.Interval(drawLogits(t, seed, 200, distance), (*Sample).AUROC)
		return e.Low <= auroc && auroc <= e.High
	})
	for _, scale := range []float64{1, 2} {
		p, labels := calibrated(12345, 400_000, scale)
		large, _ := OfProbabilities(p, labels)
		truth := large.ECE()
		if scale == 1 {
			truth = 0
		}
		held(fmt.Sprintf("ECE of logits times %v", scale), 0.88, func(seed uint64) bool {
			p, labels := calibrated(seed, 500, scale)
			s, _ := OfProbabilities(p, labels)
			e := Bootstrap{Replicates: 200, Seed: seed}.Estimates(s, Statistic{(*Sample).ECE, true})[0]
			return e.Low <= truth+1e-12 && truth <= e.High && e.Low <= e.Value && e.Value <= e.High
		})
	}
}

// TestNoInterval: of nothing, and where half of the replicates say nothing.
func TestNoInterval(t *testing.T) {
	onlyLenses := mustScores(t, []float64{1, 2}, []int{1, 1})
	if e := (Bootstrap{}).Interval(onlyLenses, (*Sample).AUPRC); e.Value != 1 || !math.IsNaN(e.Low) || !math.IsNaN(e.High) {
		t.Errorf("interval of one class is %v", e)
	}
	s := drawLogits(t, 1, 20, 1)
	calls := 0
	e := Bootstrap{Replicates: 10, Workers: 1}.Interval(s, func(*Sample) float64 {
		calls++
		if calls%3 != 0 {
			return math.NaN()
		}
		return 1
	})
	if !math.IsNaN(e.Low) {
		t.Errorf("interval of three values in ten is %v", e)
	}
}

func TestQuantile(t *testing.T) {
	for p, want := range map[float64]float64{0: 1, 0.5: 2.5, 0.25: 1.75, 1: 4} {
		if got := quantile([]float64{1, 2, 3, 4}, p); !same(got, want) {
			t.Errorf("quantile %v is %v, want %v", p, got, want)
		}
	}
}

// BenchmarkBootstrap is what an evaluation does with 10,000 images.
func BenchmarkBootstrap(b *testing.B) {
	s := drawLogits(b, 1, 10_000, 3)
	for b.Loop() {
		Bootstrap{}.Estimates(s, all...)
	}
}
