package metric

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// want are the numbers of a case; what is undefined is nil.
type want struct {
	AUROC, AUPRC, Accuracy, Brier, NLL, ECE, MCE *float64
	Precision                                    []float64
	Recall, FPR, TPR                             []float64
	PrecisionAt                                  *float64   `json:"precision_at"`
	RecallAt                                     *float64   `json:"recall_at"`
	TPRAt                                        []*float64 `json:"tpr_at"`
	ThresholdAt                                  []*float64 `json:"threshold_at"`
}

type golden struct {
	Rates []float64
	Cases []struct {
		Name, Kind string
		Scores     []string
		Labels     []int
		Want       want
	}
	Binomial []struct {
		K, N          int64
		Exact, Wilson []float64
	}
}

//go:generate python3 compare_sklearn.py
func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func parsed(t *testing.T, texts []string) []float64 {
	t.Helper()
	out := make([]float64, len(texts))
	for i, s := range texts {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

func sampleOf(t *testing.T, kind string, scores []float64, labels []int) *Sample {
	t.Helper()
	of := map[string]func([]float64, []int) (*Sample, error){"scores": OfScores, "probabilities": OfProbabilities, "logits": OfLogits}
	s, err := of[kind](scores, labels)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScikitLearn: every number of compare_sklearn.py, to 1e-12.
func TestScikitLearn(t *testing.T) {
	g := readGolden(t)
	for _, c := range g.Cases {
		t.Run(c.Name, func(t *testing.T) {
			s := sampleOf(t, c.Kind, parsed(t, c.Scores), c.Labels)
			is := func(what string, got float64, want *float64) {
				t.Helper()
				if !same(got, orNaN(want)) {
					t.Errorf("%s is %v, want %v", what, got, orNaN(want))
				}
			}
			is("AUROC", s.AUROC(), c.Want.AUROC)
			is("AUPRC", s.AUPRC(), c.Want.AUPRC)
			is("Brier", s.Brier(), c.Want.Brier)
			is("NLL", s.NLL(), c.Want.NLL)
			is("ECE", s.ECE(), c.Want.ECE)
			is("MCE", s.MCE(), c.Want.MCE)
			if half, ok := map[string]float64{"probabilities": 0.5, "logits": 0}[c.Kind]; ok {
				at := s.At(half)
				is("accuracy", at.Accuracy(), c.Want.Accuracy)
				is("precision", at.Precision(), c.Want.PrecisionAt)
				is("recall", at.Recall(), c.Want.RecallAt)
			}
			for k, want := range c.Want.TPRAt {
				rate := g.Rates[k]
				is("TPR at a FPR", s.TPRAtFPR(rate), want)
				threshold := s.ThresholdAtFPR(rate)
				if c.Want.ThresholdAt[k] != nil {
					is("threshold", threshold, c.Want.ThresholdAt[k])
				}
				is("recall at the threshold", s.At(threshold).Recall(), want)
				if fpr := s.At(threshold).FPR(); fpr > rate {
					t.Errorf("threshold for a FPR of %v has %v", rate, fpr)
				}
			}
			sameCurve(t, s, c.Want)
		})
	}
}

// sameCurve compares the points, which scikit-learn has from high thresholds to
// low in its ROC curve. Its precision-recall curve has them too, beginning with
// precision 1 at recall 0.
func sameCurve(t *testing.T, s *Sample, w want) {
	t.Helper()
	if w.FPR == nil {
		return
	}
	points := s.Curve()
	if len(points) != len(w.FPR) || len(points) != len(w.Recall) {
		t.Fatalf("%d points, want %d and %d", len(points), len(w.FPR), len(w.Recall))
	}
	for i, p := range points {
		if !same(p.Counts.FPR(), w.FPR[i]) || !same(p.Counts.Recall(), w.TPR[i]) || !same(p.Counts.Recall(), w.Recall[i]) ||
			i > 0 && !same(p.Counts.Precision(), w.Precision[i]) {
			t.Fatalf("point %d is %+v, want FPR %v, TPR %v, precision %v", i, p, w.FPR[i], w.TPR[i], w.Precision[i])
		}
	}
}

// TestBinomial: SciPy's intervals. Its own exact ones are found by a root finder,
// to about 1e-12.
func TestBinomial(t *testing.T) {
	for _, b := range readGolden(t).Binomial {
		for _, c := range []struct {
			what string
			got  Estimate
			want []float64
		}{{"Clopper-Pearson", Binomial(b.K, b.N), b.Exact}, {"Wilson", Wilson(b.K, b.N), b.Wilson}} {
			if !near(c.got.Low, c.want[0], 1e-10) || !near(c.got.High, c.want[1], 1e-10) || !same(c.got.Value, float64(b.K)/float64(b.N)) {
				t.Errorf("%s of %d in %d is %v, want %v", c.what, b.K, b.N, c.got, c.want)
			}
		}
	}
}
