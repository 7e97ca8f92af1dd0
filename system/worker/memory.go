package worker

import (
	"lensbench/protocol"
	"lensbench/torch"
)

// prepared ends the preparing of work, whose peak is one of its own.
func (s *Server) prepared() (err error) {
	s.load, err = s.tensorPeak()
	return err
}

// warmUp makes the untimed iterations, and returns their peak in bytes.
func (s *Server) warmUp(n int) (int64, error) {
	if err := s.resetPeaks(); err != nil {
		return 0, err
	}
	if err := s.work.iterate(n, nil); err != nil || n == 0 {
		return 0, err
	}
	return s.tensorPeak()
}

// resetPeaks makes all peaks start from what is live now.
func (s *Server) resetPeaks() error {
	if !s.counts {
		return nil
	}
	torch.ResetPeak()
	return s.work.resetPeaks()
}

// tensorPeak is the peak of all processes in bytes, 0 if memory is not counted.
func (s *Server) tensorPeak() (int64, error) {
	if !s.counts {
		return 0, nil
	}
	_, children, err := s.work.children()
	return children.Plus(s.work.tensorPeaks()).All.Total(), err
}

// memory says peaks in the protocol's words.
func (s *Server) memory(p torch.Peaks) *protocol.Memory {
	b := p.All
	return &protocol.Memory{
		AtPeak: protocol.Bytes{Weights: b[torch.Weights], Gradients: b[torch.Gradients], Optimiser: b[torch.Optimiser],
			Activations: b[torch.Activations], Other: b[torch.Other]},
		ActivationPeak: p.Activations,
		Load:           s.load,
		Forward:        p.Forward.Total(),
		Backward:       p.Backward.Total(),
		Update:         p.Update.Total(),
	}
}
