package loader

import "time"

// Stats say how a stream went so far.
type Stats struct {
	Batches int     // that Next returned
	Images  int     // decoded, those in batches that nobody has asked for too
	Waited  float64 // seconds in Next
	First   float64 // seconds of these for the first batch, when nothing could be ready
	Longest float64 // seconds of the longest wait but the first
}

func (s *Stats) add(wait time.Duration) {
	seconds := wait.Seconds()
	if s.Batches == 0 {
		s.First = seconds
	} else {
		s.Longest = max(s.Longest, seconds)
	}
	s.Waited += seconds
	s.Batches++
}

// PerStep returns the mean wait for a batch in seconds, without the first.
func (s Stats) PerStep() float64 {
	if s.Batches < 2 {
		return 0
	}
	return (s.Waited - s.First) / float64(s.Batches-1)
}

// Stats returns the stream's statistics up to now.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
