package plan

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

// foldedConv is the network's own operators, without the normalisation.
func (l *lowering) foldedConv(s *step, c *nn.Conv2D) result {
	k := int64(c.Kernel)
	weight := l.tensor(torch.Float32, s.weight, int64(c.Out), int64(c.In), k, k)
	padding, stride, dilation := geometry(c)
	x := l.call(opPlainConv, l.number(s.in[0], images), weight, l.tensor(torch.Float32, s.bias, int64(c.Out)), stride, padding, dilation, 1)
	return l.finished(s, result{x, images, torch.Float32, nil}, images)
}

// finished adds and activates in place, by operators of their own.
func (l *lowering) finished(s *step, r result, layout layout) result {
	if s.add != nil {
		r.value = l.call(opAddInPlace, r.value, l.number(s.add, layout))
	}
	switch s.then {
	case relu:
		r.value = l.call(opReLUInPlace, r.value)
	case gelu:
		r.value = l.call(opGELU, r.value)
	}
	return r
}
