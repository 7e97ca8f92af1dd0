package script

import (
	"fmt"

	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/torch"
)

// A Part of a network is what becomes a script.
type Part int

// The parts.
const (
	Whole    Part = iota // images [N bands H W] to logits [N]
	Backbone             // images to what the head sees of them, [N d]
)

// New returns a network whose weights are loaded as a script of the function forward,
// which shares them. The caller frees it.
func New(m *model.Model, part Part) (*torch.Script, error) {
	text, err := source(graphOf(m, part).Nodes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	s, err := torch.NewScript(m.Name)
	if err != nil {
		return nil, err
	}
	if err = fill(s, m); err == nil {
		err = s.Define(text)
	}
	if err != nil {
		s.Free()
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return s, nil
}

func graphOf(m *model.Model, part Part) *graph.Graph {
	if part == Backbone {
		return m.BackboneGraph()
	}
	return m.Graph()
}

// fill gives the script the network's tensors. Counters of training steps stay behind.
func fill(s *torch.Script, m *model.Model) error {
	for _, p := range m.Params.All() {
		if p.Counter {
			continue
		}
		if err := s.Set(p.Name, p.T(), torch.TensorKind(p.Buffer)); err != nil {
			return err
		}
	}
	return nil
}

// A State is how far a script is made ready.
type State struct {
	Freeze   bool // weights are constants, BatchNorm is in convolutions
	Optimise bool // and convolutions are oneDNN's, for this machine alone
}

// Reach brings a script of the function forward into the state.
func (st State) Reach(s *torch.Script) error {
	if st.Freeze || st.Optimise {
		if err := s.Freeze(); err != nil {
			return err
		}
	}
	if st.Optimise {
		return s.Optimise()
	}
	return nil
}

// WriteFile writes a network whose weights are loaded, frozen, to a file that
// torch.jit.load reads.
func WriteFile(path string, m *model.Model) error {
	s, err := New(m, Whole)
	if err != nil {
		return err
	}
	defer s.Free()
	if err := s.Freeze(); err != nil {
		return err
	}
	return s.WriteFile(path)
}
