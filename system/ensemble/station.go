package ensemble

import (
	"errors"
	"fmt"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/survey"
	"lensbench/torch"

	"golang.org/x/sync/errgroup"
)

// A station is one torch session with members that take turns in it: the whole
// ensemble of the schedules Sequential and BatchMajor, one member of Threads.
type station struct {
	lane    *nn.Lane
	members []*model.Model
	reader  *reader
	order   Schedule // BatchMajor, else member after member
}

func openStation(c Config, set *survey.Set, members []*model.Model, threads int) (*station, error) {
	lane, err := nn.OpenLane(torch.Session{Threads: threads, Inference: true})
	if err != nil {
		return nil, err
	}
	s := &station{lane: lane, members: members, reader: newReader(set, c), order: c.Schedule}
	err = lane.Do(func(sc *torch.Scope) error {
		for _, m := range members {
			if err := m.Params.Load(sc, nn.Formula{Seed: c.Seed}); err != nil {
				return fmt.Errorf("member %s: %w", m.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *station) score(logits [][]float32) error {
	if s.order == BatchMajor {
		return s.lane.Do(func(sc *torch.Scope) error { return s.batchMajor(sc, logits) })
	}
	return s.lane.Do(func(sc *torch.Scope) error { return s.memberMajor(sc, logits) })
}

func (s *station) memberMajor(sc *torch.Scope, logits [][]float32) error {
	for m := range s.members {
		for i := range s.reader.batches() {
			x, err := s.reader.read(sc, i)
			if err != nil {
				return err
			}
			if err := s.forward(sc, m, x, i, logits); err != nil {
				return err
			}
			x.Free()
		}
	}
	return nil
}

func (s *station) batchMajor(sc *torch.Scope, logits [][]float32) error {
	for i := range s.reader.batches() {
		x, err := s.reader.read(sc, i)
		if err != nil {
			return err
		}
		for m := range s.members {
			if err := s.forward(sc, m, x, i, logits); err != nil {
				return err
			}
		}
		x.Free()
	}
	return nil
}

// forward passes batch i through a member and stores its logits.
func (s *station) forward(sc *torch.Scope, m int, x *torch.Tensor, i int, logits [][]float32) error {
	begin, end := s.reader.bounds(i)
	net := s.members[m]
	in := resize(sc, x, s.reader.set.Pixels(), net.Pixels)
	y := net.Forward(sc, in)
	if in != x {
		in.Free()
	}
	err := y.CopyFloat32(logits[m][begin:end])
	y.Free()
	return err
}

// resize returns x itself if it has the right side already.
func resize(sc *torch.Scope, x *torch.Tensor, from, to int) *torch.Tensor {
	if from == to {
		return x
	}
	return sc.UpsampleBilinear2DAntialias(x, to, to)
}

func (s *station) threads() int { return s.lane.Threads() }

func (s *station) close() error {
	for _, m := range s.members {
		m.Params.Free()
	}
	return s.lane.Close()
}

// A concurrent is a station for each member, all at once.
type concurrent []*station

func openConcurrent(c Config, set *survey.Set, members []*model.Model, threads []int) (concurrent, error) {
	var all concurrent
	for i := range members {
		s, err := openStation(c, set, members[i:i+1], threads[i])
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (all concurrent) score(logits [][]float32) error {
	var g errgroup.Group
	for i, s := range all {
		g.Go(func() error { return s.score(logits[i : i+1]) })
	}
	return g.Wait()
}

func (all concurrent) threads() int {
	n := 0
	for _, s := range all {
		n += s.threads()
	}
	return n
}

func (all concurrent) close() error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
