package evaluation

import (
	"fmt"
	"math"

	"lensbench/system/metric"
)

// An Image is the truth of an image, as far as it is known.
type Image struct {
	Name      string  `json:"name"`
	Label     int     `json:"label"`                // 1 for a lens, 0 for none
	Kind      string  `json:"kind,omitempty"`       // what it is: a spiral, a ring, …; "": not known
	ThetaE    float64 `json:"theta_E,omitempty"`    // Einstein radius, arcsec; 0: not known
	FluxRatio float64 `json:"flux_ratio,omitempty"` // of the source, lensed as it is, to the galaxy in front; 0: not known
}

// A Scale is what scores are.
type Scale string

const (
	Logits        Scale = "logits"
	Probabilities Scale = "probabilities"
)

// one is what a score is called.
func (s Scale) one() string {
	return map[Scale]string{Logits: columnLogit, Probabilities: columnProbability}[s]
}

// half is where the probability is ½.
func (s Scale) half() float64 {
	if s == Logits {
		return 0
	}
	return 0.5
}

// probability of a score.
func (s Scale) probability(score float64) float64 {
	if s == Logits {
		return metric.Probability(score)
	}
	return score
}

func (s Scale) sample(scores []float64, labels []int) (*metric.Sample, error) {
	if s == Logits {
		return metric.OfLogits(scores, labels)
	}
	return metric.OfProbabilities(scores, labels)
}

// A Classifier is what somebody or something says of the images.
type Classifier struct {
	Name       string
	Scale      Scale
	Test       []float64 // score of each of Input.Test; finite
	Validation []float64 // and of Input.Validation
}

// An Input is what an evaluation is made from.
type Input struct {
	Network     *Network                    // may be nil
	Data        Data                        // Images, Lenses and Validation are filled in
	Test        []Image                     // both labels occur
	Validation  []Image                     // thresholds are chosen on these; nil: on Test
	Split       string                      // name of Validation
	Classifiers []Classifier                // one or more; the first is the one that matters
	Bootstrap   metric.Bootstrap            // of the intervals
	Mistakes    int                         // how many to show, of lenses and of others each; 0: DefaultMistakes
	Picture     func(i int) ([]byte, error) // PNG of test image i; nil: there are none
	Notes       []string
}

// DefaultMistakes is how many mistakes of each label are shown.
const DefaultMistakes = 12

// check says what cannot be evaluated.
func (in *Input) check() error {
	if err := bothLabels(in.Test, in.Data.Split, "to test on"); err != nil {
		return err
	}
	if in.Validation != nil {
		if err := bothLabels(in.Validation, in.Split, "to choose thresholds on"); err != nil {
			return err
		}
	}
	for _, c := range in.Classifiers {
		if err := c.check(len(in.Test), len(in.Validation)); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

func (c Classifier) check(test, validation int) error {
	if len(c.Test) != test || len(c.Validation) != validation {
		return fmt.Errorf("%d and %d scores for %d and %d images", len(c.Test), len(c.Validation), test, validation)
	}
	for _, scores := range [][]float64{c.Test, c.Validation} {
		for i, v := range scores {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("the score of image %d is %v; want a finite number", i, v)
			}
		}
	}
	return nil
}

// bothLabels refuses images without labels, and sets that lack one.
func bothLabels(images []Image, split, what string) error {
	count := map[int]int{}
	for _, m := range images {
		if m.Label != 0 && m.Label != 1 {
			return fmt.Errorf("%s has no label; every image %s needs one", m.Name, what)
		}
		count[m.Label]++
	}
	where := "the images"
	if split != "" {
		where = fmt.Sprintf("split %q", split)
	}
	for label, name := range []string{"image that is no lens", "lens"} {
		if count[label] == 0 {
			return fmt.Errorf("%s: no %s among %d images %s; both kinds are needed", where, name, len(images), what)
		}
	}
	return nil
}

func labels(images []Image) []int {
	out := make([]int, len(images))
	for i, m := range images {
		out[i] = m.Label
	}
	return out
}
