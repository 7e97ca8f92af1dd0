package verdict

import "math"

// An ExactStatement compares counts that repeat exactly, such as peaks of
// tensor bytes. It needs no interval: Ratio is the truth.
type ExactStatement struct {
	Outcome Outcome // Higher, Lower or Equivalent
	Ratio   float64 // variant ÷ control
	Theta   float64 // half-width of "equivalent", a fraction of the control
}

// CompareExact compares byte counts, one per restart. It is ok only if each
// arm has at least two, all equal and positive: one value cannot show that it
// repeats, and counts that scatter are for Compare.
func CompareExact(control, variant []int64) (s ExactStatement, ok bool) {
	if !repeats(control) || !repeats(variant) {
		return ExactStatement{}, false
	}
	c, v := float64(control[0]), float64(variant[0])
	s = ExactStatement{Outcome: Equivalent, Ratio: v / c, Theta: ThetaMemory(c)}
	if math.Abs(v-c) > s.Theta*c {
		s.Outcome = Lower
		if v > c {
			s.Outcome = Higher
		}
	}
	return s, true
}

func repeats(counts []int64) bool {
	if len(counts) < 2 || counts[0] <= 0 {
		return false
	}
	for _, n := range counts {
		if n != counts[0] {
			return false
		}
	}
	return true
}
