package train

// A stopState counts the epochs in which the validation loss did not become
// lower.
type stopState struct {
	Best *float64 `json:"best,omitempty"` // loss that the others are compared with; nil: no epoch yet
	Bad  int      `json:"bad,omitempty"`  // epochs since
}

// epoch takes an epoch's validation loss and returns whether training ends.
func (s *stopState) epoch(loss float64, o StopSetting) bool {
	if s.Best == nil || loss < *s.Best-o.MinDelta {
		s.Best, s.Bad = &loss, 0
		return false
	}
	s.Bad++
	return o.Patience > 0 && s.Bad >= o.Patience
}
