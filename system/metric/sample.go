package metric

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A Sample is scored images with labels. It does not change and may be used by any
// number of goroutines.
type Sample struct {
	scores  []float64 // from high to low
	lens    []bool    // labels, in the order of scores
	ends    []int     // ends of the groups of equal scores
	weights []int32   // how often each image counts: once, but in a replicate
	lenses  int64     // total weight of lenses
	others  int64     // total weight of those that are none
	calibre *calibre  // nil: the scores are not probabilities
}

// OfScores returns a sample of scores of which only the order means something;
// they may be infinite. A label is 1 for a lens and 0 for none. Without
// probabilities, Brier, NLL, ECE and MCE are NaN.
func OfScores(scores []float64, labels []int) (*Sample, error) {
	if len(scores) != len(labels) {
		return nil, fmt.Errorf("%d scores and %d labels", len(scores), len(labels))
	}
	for i, v := range scores {
		if math.IsNaN(v) {
			return nil, fmt.Errorf("score %d is not a number", i)
		}
		if labels[i] != 0 && labels[i] != 1 {
			return nil, fmt.Errorf("label %d is %d; want 1 for a lens or 0 for none", i, labels[i])
		}
	}
	return newSample(scores, labels), nil
}

// OfProbabilities returns a sample of probabilities that an image is a lens.
func OfProbabilities(p []float64, labels []int) (*Sample, error) {
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("probability %d is %v; want 0 to 1", i, v)
		}
	}
	s, err := OfScores(p, labels)
	if err != nil {
		return nil, err
	}
	s.calibre = newCalibre(s.scores, s.lens, probabilityLoss)
	return s, nil
}

// OfLogits returns a sample of log-odds that an image is a lens. They rank images
// also where the probabilities are equal but for rounding.
func OfLogits(z []float64, labels []int) (*Sample, error) {
	s, err := OfScores(z, labels)
	if err != nil {
		return nil, err
	}
	p := make([]float64, len(z))
	for i, z := range s.scores {
		p[i] = Probability(z)
	}
	s.calibre = newCalibre(p, s.lens, probabilityLoss)
	for i, z := range s.scores { // not by way of p, which rounds to 1 from z = 37
		s.calibre.loss[i] = logitLoss(z, s.lens[i])
	}
	return s, nil
}

func newSample(scores []float64, labels []int) *Sample {
	n := len(scores)
	s := &Sample{scores: make([]float64, n), lens: make([]bool, n), weights: make([]int32, n)}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	for i, o := range order {
		s.scores[i], s.lens[i], s.weights[i] = scores[o], labels[o] == 1, 1
		if i > 0 && s.scores[i] != s.scores[i-1] {
			s.ends = append(s.ends, i)
		}
	}
	if n > 0 {
		s.ends = append(s.ends, n)
	}
	s.count()
	return s
}

// count finds the numbers of lenses and others by weight.
func (s *Sample) count() {
	s.lenses, s.others = 0, 0
	for i, w := range s.weights {
		if s.lens[i] {
			s.lenses += int64(w)
		} else {
			s.others += int64(w)
		}
	}
}

// Lenses returns the number of lenses.
func (s *Sample) Lenses() int { return int(s.lenses) }

// Others returns the number of images that are no lenses.
func (s *Sample) Others() int { return int(s.others) }

// Probability is the logistic function of a logit.
func Probability(logit float64) float64 {
	if logit < 0 {
		e := math.Exp(logit)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-logit))
}
