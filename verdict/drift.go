package verdict

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Scored are what a classifier says of images: logits, and the threshold of each from
// which on the image is a positive.
type Scored struct{ Logits, Thresholds []float64 }

func (s Scored) positive(i int) bool { return s.Logits[i] >= s.Thresholds[i] }

// A Drift is how far a variant's scores are from the control's, on the same labelled
// images.
type Drift struct {
	Images  int
	Control float64 // AUROC of the control
	AUROC   float64 // of the variant
	Changed int     // images whose decision is another

	// Of |σ(variant's logit) − σ(control's logit)|, image by image; nearest rank.
	Median, P99, Max float64
}

// Fall is how much the variant's AUROC is below the control's; negative if above.
func (d Drift) Fall() float64 { return d.Control - d.AUROC }

// DriftOf compares scores of the same images; labels are 1 and 0, with at least one of
// each. A number that is not finite is an error that names the image.
func DriftOf(control, variant Scored, labels []float64) (d Drift, err error) {
	d.Images = len(labels)
	for _, s := range []Scored{control, variant} {
		if len(s.Logits) != d.Images || len(s.Thresholds) != d.Images {
			return d, fmt.Errorf("%d logits and %d thresholds of %d images", len(s.Logits), len(s.Thresholds), d.Images)
		}
		for i := range labels {
			if v := s.Logits[i] + s.Thresholds[i]; math.IsNaN(v) || math.IsInf(v, 0) {
				return d, fmt.Errorf("image %d has logit %v and threshold %v; want finite numbers", i+1, s.Logits[i], s.Thresholds[i])
			}
		}
	}
	if d.Control, err = auroc(control.Logits, labels); err != nil {
		return d, err
	}
	if d.AUROC, err = auroc(variant.Logits, labels); err != nil {
		return d, err
	}
	moved := make([]float64, d.Images)
	for i := range moved {
		moved[i] = math.Abs(logistic(variant.Logits[i]) - logistic(control.Logits[i]))
		if variant.positive(i) != control.positive(i) {
			d.Changed++
		}
	}
	slices.Sort(moved)
	rank := func(p float64) float64 { return moved[int(math.Ceil(p*float64(len(moved))))-1] }
	d.Median, d.P99, d.Max = rank(0.5), rank(0.99), rank(1)
	return d, nil
}

func logistic(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// auroc is the share of pairs of a positive and a negative in which the positive has
// the higher score, a tie counting half: the Mann–Whitney U over the number of pairs,
// by ranks, those of a tie being its middle (Hanley and McNeil 1982).
func auroc(scores, labels []float64) (float64, error) {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	positives, ranks := 0.0, 0.0
	for at := 0; at < len(order); {
		end := at
		for end < len(order) && scores[order[end]] == scores[order[at]] {
			end++
		}
		middle := float64(at+end+1) / 2 // ranks count from 1
		for _, i := range order[at:end] {
			if labels[i] == 1 {
				positives++
				ranks += middle
			}
		}
		at = end
	}
	negatives := float64(len(scores)) - positives
	if positives == 0 || negatives == 0 {
		return 0, errors.New("images of one kind only have no AUROC")
	}
	return (ranks - positives*(positives+1)/2) / (positives * negatives), nil
}
