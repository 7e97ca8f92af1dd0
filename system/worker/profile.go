package worker

import (
	"lensbench/protocol"
	"lensbench/system/ensemble"
	"lensbench/torch"
)

// checkProfile refuses work whose operators run where this process does not see them.
func checkProfile(c protocol.Settings) error {
	switch {
	case ensemble.Schedule(c.Schedule) == ensemble.Processes:
		return refuse(protocol.Unsupported, "profile of schedule %s: members run in processes of their own, and operators are noted in this one", c.Schedule)
	case c.Ranks > 1:
		return refuse(protocol.Unsupported, "profile of %d ranks: each is a process of its own, and operators are noted in one", c.Ranks)
	case c.Device == protocol.DeviceCUDA:
		return refuse(protocol.Unsupported, "profile on a CUDA device: operators end on the CPU before their work does on the device, which is not noted")
	}
	return nil
}

// iterate does the work n times, with a profile if the pass is for one.
func (s *Server) iterate(n int, c *clock) (*protocol.Profile, error) {
	if !s.looks {
		return nil, s.work.iterate(n, c)
	}
	p, err := torch.ProfileOperators(func() error { return s.work.iterate(n, c) })
	if err != nil {
		return nil, err
	}
	return profileOf(p), nil
}

// profileOf says a profile in the protocol's words. It keeps the operators that take
// most time and puts the others together.
func profileOf(p torch.Profile) *protocol.Profile {
	out := &protocol.Profile{Wall: p.Wall.Seconds(), Busy: p.Busy.Seconds(), Threads: p.Threads, Operators: []protocol.OperatorTime{}}
	for i, o := range p.Operators {
		if i < protocol.MostOperators {
			out.Operators = append(out.Operators, protocol.OperatorTime{Name: o.Name, Calls: o.Calls, Seconds: o.Self.Seconds()})
			continue
		}
		if out.Other == nil {
			out.Other = new(protocol.OperatorTime)
		}
		out.Other.Calls += o.Calls
		out.Other.Seconds += o.Self.Seconds()
	}
	return out
}
