package metric

import (
	"math"
	"testing"
)

var inf, nan = math.Inf(1), math.NaN()

// same says whether numbers are equal but for rounding; NaN is equal to itself.
func same(a, b float64) bool { return near(a, b, 1e-12) }

func near(a, b, tolerance float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= tolerance*max(1, math.Abs(b))
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

// TestBrokenArguments: what no sample can be made of.
func TestBrokenArguments(t *testing.T) {
	for _, c := range []struct {
		of     func([]float64, []int) (*Sample, error)
		values []float64
		labels []int
		want   string
	}{
		{OfScores, []float64{1, 2}, []int{1}, "2 scores and 1 labels"},
		{OfScores, []float64{1, nan}, []int{1, 0}, "score 1 is not a number"},
		{OfLogits, []float64{nan}, []int{1}, "score 0 is not a number"},
		{OfScores, []float64{1, 2}, []int{1, -1}, "label 1 is -1; want 1 for a lens or 0 for none"},
		{OfProbabilities, []float64{0, 1.5}, []int{1, 0}, "probability 1 is 1.5; want 0 to 1"},
		{OfProbabilities, []float64{nan}, []int{1}, "probability 0 is NaN; want 0 to 1"},
	} {
		if _, err := c.of(c.values, c.labels); err == nil || err.Error() != c.want {
			t.Errorf("error is %v, want %s", err, c.want)
		}
	}
}

// TestBins: an edge belongs to the bin below it, and 0 to the first.
func TestBins(t *testing.T) {
	for p, want := range map[float64]int{0: 0, 1e-300: 0, 1. / 15: 0, math.Nextafter(1./15, 1): 1, 0.2: 2, math.Nextafter(0.2, 1): 3,
		0.4: 5, 0.6: 8, 0.8: 11, math.Nextafter(1, 0): 14, 1: 14} {
		if got := binOf(p); got != want {
			t.Errorf("%v is in bin %d, want %d", p, got, want)
		}
	}
}

// TestCalibration: two bins by hand. 0.1 and 0.12 are in (1/15, 2/15], one of two
// is a lens; 0.9 and 0.92 in (13/15, 14/15], both are.
func TestCalibration(t *testing.T) {
	s, err := OfProbabilities([]float64{0.1, 0.12, 0.9, 0.92}, []int{0, 1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	low, high := 0.5-0.11, 1-0.91
	for what, v := range map[string][2]float64{
		"ECE":   {s.ECE(), (2*low + 2*high) / 4},
		"MCE":   {s.MCE(), low},
		"Brier": {s.Brier(), (0.1*0.1 + 0.88*0.88 + 0.1*0.1 + 0.08*0.08) / 4},
		"NLL":   {s.NLL(), -(math.Log(0.9) + math.Log(0.12) + math.Log(0.9) + math.Log(0.92)) / 4},
	} {
		if !same(v[0], v[1]) {
			t.Errorf("%s is %v, want %v", what, v[0], v[1])
		}
	}
	bins := s.Reliability()
	if b := bins[1]; b.Images != 2 || b.Lenses != 1 || !same(b.Probability, 0.11) || !same(b.Share(), 0.5) {
		t.Errorf("second bin is %+v", b)
	}
	if b := bins[0]; b.Images != 0 || !math.IsNaN(b.Probability) || !math.IsNaN(b.Share()) {
		t.Errorf("empty bin is %+v", b)
	}
}

// TestScoresAreNoProbabilities: nothing is said about what is not known.
func TestScoresAreNoProbabilities(t *testing.T) {
	s := mustScores(t, []float64{0.9, 0.2}, []int{1, 0})
	if !math.IsNaN(s.Brier()) || !math.IsNaN(s.NLL()) || !math.IsNaN(s.ECE()) || !math.IsNaN(s.MCE()) || s.Reliability() != nil {
		t.Error("scores without probabilities have a calibration")
	}
}

// TestCertainLogits: a logit of 40 has a probability that rounds to 1, and its
// loss is known all the same; beyond 36 nats it is that of a certain mistake.
func TestCertainLogits(t *testing.T) {
	for _, c := range []struct{ logit, want float64 }{{40, math.Exp(-40)}, {-30, 30 + math.Exp(-30)}, {-800, 52 * math.Ln2}} {
		s, err := OfLogits([]float64{c.logit}, []int{1})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.NLL(); math.Abs(got-c.want) > 1e-12*c.want {
			t.Errorf("a lens with logit %v costs %v, want %v", c.logit, got, c.want)
		}
	}
}

// TestPurity by Bayes' rule: TPR 0.8, FPR 0.01 and one lens in 1000 give
// 0.0008/(0.0008+0.00999).
func TestPurity(t *testing.T) {
	c := Counts{TruePositives: 800, FalseNegatives: 200, FalsePositives: 50, TrueNegatives: 4950}
	p := c.Purity(1e-3)
	if want := 0.0008 / (0.0008 + 0.00999); !same(p.Value, want) || !(p.Low < want && want < p.High) {
		t.Errorf("purity is %v, want %v", p, want)
	}
	if own := c.Purity(1000. / 6000); !same(own.Value, c.Precision()) {
		t.Errorf("at the sample's own prevalence it is %v, precision %v", own.Value, c.Precision())
	}
	// None of 5000: at 97.5 % confidence FPR ≤ 1 − 0.0125^(1/5000).
	c = Counts{TruePositives: 500, FalseNegatives: 500, TrueNegatives: 5000}
	p = c.Purity(1e-4)
	fpr, tpr := 1-math.Pow(0.0125, 1./5000), binomial(500, 1000, 0.025).Low
	if want := 1e-4 * tpr / (1e-4*tpr + (1-1e-4)*fpr); p.Value != 1 || p.High != 1 || !near(p.Low, want, 1e-10) {
		t.Errorf("without a false positive purity is %v, want from %v to 1", p, want)
	}
	if p := (Counts{FalseNegatives: 3, TrueNegatives: 3}).Purity(1e-3); p.Known() {
		t.Errorf("purity of nothing is %v", p)
	}
}

func TestByRange(t *testing.T) {
	r := ByRange([]float64{0.5, 1, 1.5, 2, 3, -1, nan, 3.1}, []bool{true, false, true, true, true, true, true, true}, []float64{0, 1, 2, 3})
	for k, want := range [][2]int64{{1, 1}, {2, 1}, {2, 2}} {
		if r[k].Images != want[0] || r[k].Passed != want[1] || r[k].Low != float64(k) || r[k].High != float64(k+1) {
			t.Errorf("range %d is %+v, want %v images and passed", k, r[k], want)
		}
	}
	if r[1].Share != Wilson(1, 2) {
		t.Errorf("share is %v", r[1].Share)
	}
}

func TestEstimateInJSON(t *testing.T) {
	for _, e := range []Estimate{{0.1, 0, 1}, {nan, nan, nan}, {1. / 3, nan, nan}} {
		b, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got Estimate
		if err := got.UnmarshalJSON(b); err != nil || !same(got.Value, e.Value) || !same(got.Low, e.Low) || !same(got.High, e.High) {
			t.Errorf("%v becomes %s and %v, %v", e, b, got, err)
		}
	}
}
