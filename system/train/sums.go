package train

// sums are what steps add up to. They are kept as sums, which a checkpoint
// holds, so that a broken run goes on with the same digits.
type sums struct {
	Steps   int     `json:"steps"`
	Images  int     `json:"images"`
	Loss    float64 `json:"loss"`              // of all images
	Norm    float64 `json:"norm"`              // of the gradients of all steps, before clipping
	MaxNorm float64 `json:"max_norm"`          // the largest
	Clipped int     `json:"clipped"`           // steps with a larger norm than the limit
	Skipped int     `json:"skipped,omitempty"` // steps whose scaled gradients have overflowed; they count for nothing else
}

// add takes the results of one step on that many images.
func (s *sums) add(images int, loss, norm, limit float64) {
	s.Steps++
	s.Images += images
	s.Loss += loss * float64(images)
	s.Norm += norm
	s.MaxNorm = max(s.MaxNorm, norm)
	if limit > 0 && norm > limit {
		s.Clipped++
	}
}

// all is the number of steps, with those that were skipped.
func (s *sums) all() int { return s.Steps + s.Skipped }

func (s *sums) meanLoss() float64 { return s.Loss / float64(max(s.Images, 1)) }
func (s *sums) meanNorm() float64 { return s.Norm / float64(max(s.Steps, 1)) }
