package plan

import (
	"fmt"

	"lensbench/system/graph"
	"lensbench/torch"
)

// A layout is the order of a result's dimensions.
type layout int

const (
	images layout = iota // [N C H W], channels innermost in memory
	rows                 // [N H·W·C], the same order in memory
	other                // sequences and vectors, as the graph has them
)

// A result is a step's result as a value of the program.
type result struct {
	value  torch.Value
	layout layout
	dtype  torch.DType // Uint8 for codes
	codes  *coding     // how codes stand for numbers; nil: they are numbers
}

// A lowering makes the program of steps, with tensors of sc.
type lowering struct {
	sc      *torch.Scope
	options Options
	program *torch.Program
	shapes  [][]int64 // of each node's result, for a whole batch
	results map[*step]result
	uses    map[*step]int                 // operands that a step's result is still to be
	takers  map[*step][]*step             // steps that take a step's result
	encoded map[*step]result              // codes of what was computed as numbers
	forms   map[productShape]*productForm // that were chosen
	layers  map[string]int                // as Plan.Layers has them
}

// floats is the type of activations that are not codes.
func (l *lowering) floats() torch.DType {
	switch l.options.Precision {
	case Folded, Float32, Dynamic:
		return torch.Float32
	}
	return torch.BFloat16
}

func (l *lowering) shape(s *step) []int64 { return l.shapes[s.node.Index] }

// run lowers the steps in order.
func (l *lowering) run(steps []*step, input torch.Value) error {
	for _, s := range steps {
		for _, in := range s.operands() {
			l.uses[in]++
			l.takers[in] = append(l.takers[in], s)
		}
	}
	for _, s := range steps {
		r, err := l.lower(s, input)
		if err != nil {
			return fmt.Errorf("%s: %w", s.node, err)
		}
		l.results[s] = r
		for _, in := range s.operands() {
			l.uses[in]--
		}
	}
	l.finish(steps[len(steps)-1])
	return nil
}

// finish makes the last result, which is the program's, numbers in float32. Logits are
// that already.
func (l *lowering) finish(last *step) {
	if r := l.results[last]; r.dtype != torch.Float32 {
		l.call(opTo, l.number(last, l.layoutOf(last)), torch.Float32)
	}
}

func (l *lowering) lower(s *step, input torch.Value) (result, error) {
	if l.options.Precision == Dynamic {
		if r, ok := l.dynamic(s); ok {
			return r, nil
		}
	}
	switch op := s.op.(type) {
	case graph.Input:
		return l.input(input), nil
	case graph.Conv:
		return l.conv(s, op)
	case graph.Linear:
		return l.linear(s, op)
	case graph.MaxPool:
		return l.pool(s, op), nil
	case graph.Average:
		return l.average(s), nil
	}
	return l.plain(s)
}

// input makes images of the plan's type, with channels innermost.
func (l *lowering) input(x torch.Value) result {
	if l.options.Precision.plain() {
		return result{x, images, torch.Float32, nil}
	}
	dtype := l.floats()
	if l.options.Precision == Int8 {
		dtype = torch.Float32 // it is about to be rounded anyway
	}
	return result{l.call(opInterleave, x, dtype), images, dtype, nil}
}

func (l *lowering) call(op *torch.Op, args ...any) torch.Value { return l.program.Call(op, args...) }

// number returns a step's result as numbers in a layout.
func (l *lowering) number(s *step, want layout) torch.Value {
	r := l.results[s]
	if r.codes != nil {
		r = l.decoded(s, r)
	}
	return l.arranged(s, r, want)
}

// arranged returns a result in another layout, as a view.
func (l *lowering) arranged(s *step, r result, want layout) torch.Value {
	switch {
	case want == images && r.layout == rows:
		shape := l.shape(s)
		v := l.call(opView, r.value, []int64{-1, shape[2], shape[3], shape[1]})
		return l.call(opPermute, v, []int{0, 3, 1, 2})
	case want == rows && r.layout == images:
		v := l.call(opPermute, r.value, []int{0, 2, 3, 1})
		return l.call(opFlatten, v, 1, -1)
	}
	return r.value
}

// last says whether nothing needs a step's result after the present one.
func (l *lowering) last(s *step) bool {
	_, given := s.op.(graph.Input)
	return l.uses[s] == 1 && !given
}

// tensor makes a constant of floats.
func (l *lowering) tensor(dtype torch.DType, data []float32, shape ...int64) *torch.Tensor {
	if data == nil {
		return nil
	}
	return l.sc.To(l.sc.FromFloat32(data, shape...), dtype)
}
