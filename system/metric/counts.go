package metric

import "sort"

// Counts are the images on both sides of a threshold.
type Counts struct {
	TruePositives  int64 `json:"true_positives"`
	FalsePositives int64 `json:"false_positives"`
	TrueNegatives  int64 `json:"true_negatives"`
	FalseNegatives int64 `json:"false_negatives"`
}

// At counts the images that pass a threshold, those with a score ≥ it, and those
// that do not.
func (s *Sample) At(threshold float64) Counts {
	n := sort.Search(len(s.scores), func(i int) bool { return !(s.scores[i] >= threshold) })
	lenses, others := s.weigh(0, n)
	return Counts{lenses, others, s.others - others, s.lenses - lenses}
}

// Lenses returns the number of lenses.
func (c Counts) Lenses() int64 { return c.TruePositives + c.FalseNegatives }

// Others returns the number of images that are no lenses.
func (c Counts) Others() int64 { return c.FalsePositives + c.TrueNegatives }

// Accuracy returns the share of images on their right side.
func (c Counts) Accuracy() float64 {
	return share(c.TruePositives+c.TrueNegatives, c.Lenses()+c.Others())
}

// Precision returns the share of lenses in what passes: its purity at the sample's
// own prevalence.
func (c Counts) Precision() float64 { return share(c.TruePositives, c.TruePositives+c.FalsePositives) }

// Recall returns the share of lenses that pass: TPR, completeness.
func (c Counts) Recall() float64 { return share(c.TruePositives, c.Lenses()) }

// FPR returns the share of those that are no lenses that pass.
func (c Counts) FPR() float64 { return share(c.FalsePositives, c.Others()) }

// share is NaN of nothing.
func share(k, n int64) float64 { return float64(k) / float64(n) }
