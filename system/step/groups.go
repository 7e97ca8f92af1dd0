package step

import "slices"

// groups are the pieces of a micro-batch of n images, in groups that are gone back
// from at once, in the order of the scales.
func (s *Stepper) groups(n int) (out [][]piece) {
	var open []piece // the group that further pieces may join
	for _, side := range s.scales() {
		pieces := s.pieces(side, n)
		split := len(pieces) > 1 // to be small one by one
		for _, p := range pieces {
			if len(open) > 0 && (split || !s.fits(append(open, p))) {
				out, open = append(out, open), nil
			}
			open = append(open, p)
		}
	}
	return append(out, open)
}

// scales are those that this step has.
func (s *Stepper) scales() []int {
	if m := &s.Settings.Multi; m.Mode == Progressive {
		return m.Scales[s.Stage : s.Stage+1]
	}
	return s.Settings.Multi.Scales
}

// fits says whether pieces may be in one group.
func (s *Stepper) fits(group []piece) bool {
	switch m := &s.Settings.Multi; m.Mode {
	case PerScale:
		return false
	case Grouped:
		var bytes int64
		for _, p := range group {
			bytes += int64(p.to-p.from) * s.Model.ActivationBytes(p.side)
		}
		return bytes <= m.Budget
	}
	return true
}

// pieces are all images at one scale, whole or in parts.
func (s *Stepper) pieces(side, n int) (out []piece) {
	m := &s.Settings.Multi
	size, checkpointing := n, s.Settings.Checkpointing
	if m.Split {
		least := slices.Min(m.Scales)
		size = max(1, n*least*least/(side*side))
	}
	if m.Checkpointing != "" && side == slices.Max(m.Scales) {
		checkpointing = m.Checkpointing
	}
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		weight := float64(to-from) / float64(n) / float64(len(s.scales()))
		out = append(out, piece{side, from, to, weight, checkpointing})
	}
	return out
}
