package model

import (
	"fmt"

	"lensbench/system/nn"
	"lensbench/torch"
)

// A Stack is several networks of equal shape that see the same images in one forward
// pass: each of its layers is one operator for all. Convolutions are grouped, so that
// the channels of one network do not mix with another's; the first needs no groups,
// because all have the same input. What a network computes is what it computes alone,
// but for the order of additions.
//
// Residual networks can be stacked, in evaluation.
type Stack struct {
	Networks int
	Params   *nn.Params // each those of all networks, one after another in its first dimension

	single   *Model // one of the networks; has no weights
	backbone backbone
	head     *nn.Linear // an output for each network
}

// NewStack describes a stack. It has no weights until [nn.Params.Load] from Source.
func NewStack(name string, bands, networks int) (*Stack, error) {
	m, err := New(name, bands)
	if err != nil {
		return nil, err
	}
	if m.kind.stack == nil {
		return nil, fmt.Errorf("%s cannot be stacked; residual networks can", name)
	}
	if networks < 1 {
		return nil, fmt.Errorf("a stack of %d networks; want 1 or more", networks)
	}
	b := nn.NewBuilder()
	s := &Stack{Networks: networks, Params: b.Params(), single: m}
	var features int
	s.backbone, features = m.kind.stack(b.In("backbone"), bands, networks)
	s.head = b.Linear("head.1", features, networks)
	return s, nil
}

// Pixels returns the side of the images that the networks are meant for.
func (s *Stack) Pixels() int { return s.single.Pixels }

// Source returns the weights of a stack, of each network from a source of its own.
func (s *Stack) Source(networks ...nn.Source) (nn.Source, error) {
	if len(networks) != s.Networks {
		return nil, fmt.Errorf("weights of %d networks for a stack of %d", len(networks), s.Networks)
	}
	src := stackSource{networks: networks, single: map[string]*nn.Param{}}
	for _, p := range s.single.Params.All() {
		src.single[p.Name] = p
	}
	return src, nil
}

type stackSource struct {
	networks []nn.Source
	single   map[string]*nn.Param // of one network, by name
}

// Fill has each network's source fill its part.
func (s stackSource) Fill(p *nn.Param, dst []float32) error {
	one := s.single[p.Name]
	n := one.Len()
	for i, src := range s.networks {
		if err := src.Fill(one, dst[i*n:(i+1)*n]); err != nil {
			return err
		}
	}
	return nil
}

// Forward maps images [N bands H W] to logits [networks N] in evaluation mode.
func (s *Stack) Forward(sc *torch.Scope, x *torch.Tensor) (y *torch.Tensor) {
	sc.Tagged(torch.Activations, func() {
		y = s.backbone.forward(sc, x, nn.Evaluation)
		y = nn.Next(y, s.heads(sc, y))
	})
	return y
}

// heads maps features [N networks·d] to logits [networks N].
func (s *Stack) heads(sc *torch.Scope, features *torch.Tensor) (y *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		apart := sc.View(features, features.Shape()[0], int64(s.Networks), -1)
		y = sc.Keep(s.head.Apart(sc, sc.Transpose(apart, 0, 1)))
	})
	return y
}
