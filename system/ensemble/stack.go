package ensemble

import (
	"fmt"
	"slices"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/survey"
	"lensbench/torch"
)

// A stack is members of equal shape that see each batch in one forward pass.
type stack struct {
	*station // without members: those are in the net
	net      *model.Stack
	pixels   int // side that images are resized to
}

func openStack(c Config, images survey.Images, networks []*network, threads int) (*stack, error) {
	name := c.Members[0]
	if slices.ContainsFunc(c.Members, func(other string) bool { return other != name }) {
		return nil, fmt.Errorf("schedule %s: members of equal shape are stacked, not %v", Stacked, c.Members)
	}
	bands, _, _ := images.Shape()
	net, err := model.NewStack(name, bands, len(c.Members))
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", Stacked, err)
	}
	s := &stack{net: net, pixels: networks[0].input}
	if s.station, err = openStation(c, images, nil, threads); err != nil {
		return nil, err
	}
	if err := s.lane.Do(func(sc *torch.Scope) error { return s.load(sc, networks) }); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stack) load(sc *torch.Scope, networks []*network) error {
	var sources []nn.Source
	for _, n := range networks {
		source, done, err := n.source()
		if err != nil {
			return err
		}
		defer done()
		sources = append(sources, source)
	}
	all, err := s.net.Source(sources...)
	if err != nil {
		return err
	}
	return s.net.Params.Load(sc, all)
}

func (s *stack) score(logits [][]float32) error {
	return s.lane.Do(func(sc *torch.Scope) error {
		return s.batches(sc, func(images []int, x *torch.Tensor) (err error) {
			sc.Scoped(func(sc *torch.Scope) { err = s.together(sc, x, images[0], logits) })
			return err
		})
	})
}

func (s *stack) other(p Part, logits [][]float32) error {
	station, err := s.station.of(p)
	if err != nil {
		return err
	}
	return (&stack{station: station, net: s.net, pixels: s.pixels}).score(logits)
}

func (s *stack) query(first, count int, logits [][]float32) error {
	return s.lane.Do(func(sc *torch.Scope) error {
		x, err := s.read(sc, first, count)
		if err != nil {
			return err
		}
		return s.together(sc, x, 0, logits)
	})
}

// together passes images through all members, and stores their logits from that place
// on.
func (s *stack) together(sc *torch.Scope, x *torch.Tensor, at int, logits [][]float32) error {
	n := int(x.Shape()[0])
	all := make([]float32, len(logits)*n)
	if err := s.net.Forward(sc, resize(sc, x, s.pixels)).CopyFloat32(all); err != nil {
		return err
	}
	for m := range logits {
		copy(logits[m][at:], all[m*n:][:n])
	}
	return nil
}

func (s *stack) close() error {
	s.net.Params.Free()
	return s.station.close()
}
