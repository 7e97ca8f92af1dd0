package metric

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// drawScores returns scores of two overlapping classes, with many ties if steps is
// small, both classes not empty.
func drawScores(r *rand.Rand, n, steps int) ([]float64, []int) {
	scores, labels := make([]float64, n), make([]int, n)
	for i := range scores {
		labels[i] = r.IntN(2)
		if i < 2 {
			labels[i] = i
		}
		scores[i] = math.Round((r.NormFloat64()+float64(labels[i]))*float64(steps)) / float64(steps)
	}
	return scores, labels
}

// pairs is the definition: the share of pairs in the right order.
func pairs(scores []float64, labels []int) float64 {
	sum, n := 0.0, 0.0
	for i, a := range scores {
		for j, b := range scores {
			if labels[i] == 1 && labels[j] == 0 {
				n++
				if a > b {
					sum++
				} else if a == b {
					sum += 0.5
				}
			}
		}
	}
	return sum / n
}

func mapped(v []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

func flipped(labels []int) []int {
	out := make([]int, len(labels))
	for i, l := range labels {
		out[i] = 1 - l
	}
	return out
}

func TestAUROCIsMannWhitney(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 200 {
		scores, labels := drawScores(r, 2+r.IntN(60), 1+r.IntN(20))
		s := mustScores(t, scores, labels)
		if got, want := s.AUROC(), pairs(scores, labels); !same(got, want) {
			t.Fatalf("AUROC is %v, the share of pairs %v", got, want)
		}
	}
}

// TestOnlyOrderMatters: rising maps change nothing, exchanged labels and reversed
// scores mirror AUROC, exactly.
func TestOnlyOrderMatters(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 0))
	for range 50 {
		scores, labels := drawScores(r, 100, 5)
		s := mustScores(t, scores, labels)
		for name, f := range map[string]func(float64) float64{"exp": math.Exp, "cube": func(v float64) float64 { return v * v * v },
			"probability": Probability, "shift": func(v float64) float64 { return 8 * (v + 100) }} {
			m := mustScores(t, mapped(scores, f), labels)
			if m.AUROC() != s.AUROC() || m.AUPRC() != s.AUPRC() || m.TPRAtFPR(0.1) != s.TPRAtFPR(0.1) {
				t.Fatalf("%s changes what depends on order alone", name)
			}
		}
		if got := mustScores(t, scores, flipped(labels)).AUROC(); !same(got, 1-s.AUROC()) {
			t.Fatalf("with exchanged labels AUROC is %v, was %v", got, s.AUROC())
		}
		reversed := mapped(scores, func(v float64) float64 { return -v })
		if got := mustScores(t, reversed, flipped(labels)).AUROC(); got != s.AUROC() {
			t.Fatalf("with exchanged labels and reversed scores AUROC is %v, was %v", got, s.AUROC())
		}
	}
}

// TestOrderOfImagesDoesNotMatter.
func TestOrderOfImagesDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	p, labels := drawScores(r, 500, 10)
	p = mapped(p, Probability)
	a, _ := OfProbabilities(p, labels)
	r.Shuffle(len(p), func(i, j int) { p[i], p[j], labels[i], labels[j] = p[j], p[i], labels[j], labels[i] })
	b, _ := OfProbabilities(p, labels)
	for what, of := range map[string]func(*Sample) float64{"AUROC": (*Sample).AUROC, "AUPRC": (*Sample).AUPRC, "Brier": (*Sample).Brier,
		"NLL": (*Sample).NLL, "ECE": (*Sample).ECE, "MCE": (*Sample).MCE} {
		if !same(of(a), of(b)) {
			t.Errorf("%s is %v, and %v of the same images in another order", what, of(a), of(b))
		}
	}
}

// TestCalibratedDataHasNoECE: where labels are drawn from the probabilities, ECE
// goes to 0 as 1/√n, and lies where Calibrated says.
func TestCalibratedDataHasNoECE(t *testing.T) {
	outside := 0
	for seed := range uint64(40) {
		p, labels := calibrated(seed, 4000, 1)
		s, err := OfProbabilities(p, labels)
		if err != nil {
			t.Fatal(err)
		}
		e := Bootstrap{Replicates: 100, Seed: seed}.Calibrated(s, (*Sample).ECE)
		if ece := s.ECE(); ece > 0.05 {
			t.Fatalf("ECE of 4000 calibrated images is %v", ece)
		} else if ece < e.Low || ece > e.High {
			outside++
		}
	}
	if outside > 8 { // 2 are expected; more than 8 of 40 happen once in 10⁴
		t.Errorf("%d of 40 ECEs outside of the 95 %% that calibration gives", outside)
	}
}

// calibrated draws labels from probabilities, of which scale times the logit is
// told: 1 tells the truth.
func calibrated(seed uint64, n int, scale float64) ([]float64, []int) {
	r := rand.New(rand.NewPCG(seed, 9))
	p, labels := make([]float64, n), make([]int, n)
	for i := range p {
		z := 3 * r.NormFloat64()
		if r.Float64() < Probability(z) {
			labels[i] = 1
		}
		p[i] = Probability(scale * z)
	}
	return p, labels
}

// FuzzSample: whatever the scores, the numbers are shares, and agree with their
// definitions.
func FuzzSample(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var scores []float64
		var labels []int
		for len(b) >= 3 && len(scores) < 60 {
			// Few distinct values, so that there are ties; all bit patterns of the
			// top two bytes, so that there are infinities.
			scores = append(scores, math.Float64frombits(uint64(binary.LittleEndian.Uint16(b))<<48))
			labels = append(labels, int(b[2]&1))
			b = b[3:]
		}
		s, err := OfScores(scores, labels)
		if err != nil {
			return // a NaN
		}
		if want := pairs(scores, labels); !same(s.AUROC(), want) {
			t.Fatalf("AUROC is %v, the share of pairs %v", s.AUROC(), want)
		}
		for _, rate := range []float64{0, 0.1, 1} {
			at := s.At(s.ThresholdAtFPR(rate))
			if s.others > 0 && (at.FPR() > rate || !same(at.Recall(), s.TPRAtFPR(rate))) {
				t.Fatalf("threshold at FPR %v gives FPR %v and TPR %v, TPR is %v", rate, at.FPR(), at.Recall(), s.TPRAtFPR(rate))
			}
		}
		last := Counts{}
		for i, p := range s.Curve() {
			if p.Counts.Lenses() != s.lenses || p.Counts.Others() != s.others || i > 0 && p.Counts != s.At(p.Threshold) ||
				p.Counts.TruePositives < last.TruePositives || p.Counts.FalsePositives < last.FalsePositives {
				t.Fatalf("point %d is %+v after %+v", i, p, last)
			}
			last = p.Counts
		}
	})
}
