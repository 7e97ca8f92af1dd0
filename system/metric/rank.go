package metric

import "math"

// AUROC returns the area below the ROC curve of scores with labels 1 or 0: the
// probability that a lens scores higher than another image, ties counting half.
// It is NaN if there is nothing of one label.
func AUROC(scores []float64, labels []int) (float64, error) {
	s, err := OfScores(scores, labels)
	if err != nil {
		return math.NaN(), err
	}
	return s.AUROC(), nil
}

// AUROC returns the area below the ROC curve.
func (s *Sample) AUROC() float64 {
	doubled, lenses := int64(0), int64(0) // twice the number of pairs in the right order
	start := 0
	for _, end := range s.ends {
		dl, do := s.weigh(start, end)
		doubled += do * (2*lenses + dl)
		lenses += dl
		start = end
	}
	return float64(doubled) / (2 * float64(s.lenses) * float64(s.others))
}

// AUPRC returns the average precision.
func (s *Sample) AUPRC() float64 {
	sum, lenses, passed := 0.0, int64(0), int64(0)
	start := 0
	for _, end := range s.ends {
		dl, do := s.weigh(start, end)
		lenses += dl
		passed += dl + do
		if dl > 0 {
			sum += float64(dl) * float64(lenses) / float64(passed)
		}
		start = end
	}
	return sum / float64(s.lenses)
}

// TPRAtFPR returns the largest share of lenses that pass a threshold which at most
// this share of the others passes.
func (s *Sample) TPRAtFPR(fpr float64) float64 {
	if s.others == 0 {
		return math.NaN()
	}
	lenses, _ := s.within(fpr)
	return float64(lenses) / float64(s.lenses)
}

// ThresholdAtFPR returns the lowest score that, as a threshold, lets at most this
// share of those that are no lenses pass. If even the highest score lets too many
// pass, it is the next number above that; NaN, which nothing passes, if there is
// none.
func (s *Sample) ThresholdAtFPR(fpr float64) float64 {
	_, groups := s.within(fpr)
	switch {
	case s.others == 0:
		return math.NaN()
	case groups > 0:
		return s.scores[s.ends[groups-1]-1]
	case math.IsInf(s.scores[0], 1):
		return math.NaN()
	}
	return math.Nextafter(s.scores[0], math.Inf(1))
}

// within returns how many of the highest groups of scores may pass, and how many
// lenses do, with a false-positive rate of at most fpr.
func (s *Sample) within(fpr float64) (lenses int64, groups int) {
	// As a quotient, so that 0.1 of 10 is 1 also where 0.1·10 is less.
	fits := func(others int64) bool { return float64(others)/float64(s.others) <= fpr }
	others, start := int64(0), 0
	for g, end := range s.ends {
		dl, do := s.weigh(start, end)
		others += do
		if !fits(others) {
			break
		}
		lenses += dl
		groups = g + 1
		start = end
	}
	return lenses, groups
}

// weigh counts the lenses and others from start to end.
func (s *Sample) weigh(start, end int) (lenses, others int64) {
	for i := start; i < end; i++ {
		if s.lens[i] {
			lenses += int64(s.weights[i])
		} else {
			others += int64(s.weights[i])
		}
	}
	return lenses, others
}

// A Point is what a threshold does.
type Point struct {
	Threshold float64 // +Inf, which nothing passes, for the first
	Counts    Counts
}

// Curve returns a point for each distinct score from high to low, after one that
// nothing passes: the ROC curve is their TPR over FPR, the precision-recall curve
// their precision over TPR.
func (s *Sample) Curve() []Point {
	points := make([]Point, 0, len(s.ends)+1)
	c := Counts{FalseNegatives: s.lenses, TrueNegatives: s.others}
	points = append(points, Point{math.Inf(1), c})
	start := 0
	for _, end := range s.ends {
		dl, do := s.weigh(start, end)
		c.TruePositives += dl
		c.FalseNegatives -= dl
		c.FalsePositives += do
		c.TrueNegatives -= do
		points = append(points, Point{s.scores[start], c})
		start = end
	}
	return points
}
