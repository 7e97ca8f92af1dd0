package plan

import (
	"math"

	"lensbench/system/graph"
	"lensbench/system/nn"
	"lensbench/torch"
)

// A coding is how codes of 8 bits stand for numbers: scale·(code − zero).
type coding struct {
	scale float64
	zero  int // a code, so that 0 and with it padding is exact
}

// codingOf is the coding of numbers between lo and hi, and 0.
func codingOf(lo, hi float64) *coding {
	const codes = 255
	lo, hi = min(lo, 0), max(hi, 0)
	scale := (hi - lo) / codes
	if !(scale > math.SmallestNonzeroFloat32) {
		scale = 1 // all are 0
	}
	return &coding{scale, int(math.Round(-lo / scale))}
}

// gives says whether a product's result is codes: if all who take it take codes.
func (l *lowering) gives(s *step) bool {
	if !s.product() || isHead(s) {
		return false
	}
	for _, t := range l.takers[s] {
		if !l.takes(t, s) {
			return false
		}
	}
	return true
}

// takes says whether a step takes an operand's codes rather than its numbers.
func (l *lowering) takes(s, operand *step) bool {
	if s.add == operand && !l.gives(s) {
		return false
	}
	_, pool := s.op.(graph.MaxPool)
	return pool || s.product() && !isHead(s)
}

// isHead says whether s is a linear layer that stays in float32.
func isHead(s *step) bool {
	op, ok := s.op.(graph.Linear)
	return ok && op.Layer.Features() < leastOutputs
}

// coded returns a step's result as codes.
func (l *lowering) coded(s *step) result {
	r := l.results[s]
	if r.codes != nil {
		return r
	}
	if e, ok := l.encoded[s]; ok {
		return e
	}
	c := l.options.Calibration.coding(s.node)
	x := r.value
	if r.dtype != torch.Float32 {
		x = l.call(opTo, x, torch.Float32)
	}
	r.value = l.call(opBytes, l.call(opEncode, x, c.scale, c.zero, int(quint8)))
	r.codes, r.dtype = c, torch.Uint8
	l.encoded[s] = r
	return r
}

const quint8 = torch.DType(13) // of c10::ScalarType: a tensor that knows its coding

// decoded returns codes as numbers.
func (l *lowering) decoded(s *step, r result) result {
	x := l.call(opTo, r.value, torch.Float32)
	if r.codes.zero != 0 {
		x = l.call(opAddScalar, x, -float64(r.codes.zero))
	}
	x = l.call(opMulScalar, x, r.codes.scale)
	if l.floats() != torch.Float32 {
		x = l.call(opTo, x, l.floats())
	}
	return result{x, r.layout, l.floats(), nil}
}

// A packed matrix or kernel is 8-bit weights with a scale for each output.
type packed struct {
	weight, scales, zeros *torch.Tensor
}

// rounded returns weights as 8-bit integers from −127 to 127, and for each output the
// scale that makes the largest of its weights 127 (Jacob et al. 2018, section 3).
func rounded(weight []float32, outputs int) (w, scales []float32) {
	const most = 127
	w, scales = make([]float32, len(weight)), make([]float32, outputs)
	per := len(weight) / outputs
	for k := range outputs {
		row := weight[k*per : (k+1)*per]
		largest := float32(0)
		for _, v := range row {
			largest = max(largest, float32(math.Abs(float64(v))))
		}
		scales[k] = largest / most
		if largest == 0 {
			scales[k] = 1
		}
		for i, v := range row {
			w[k*per+i] = float32(math.RoundToEven(float64(v) / float64(scales[k])))
		}
	}
	return w, scales
}

func (l *lowering) round(weight []float32, outputs int, shape ...int64) packed {
	w, scales := rounded(weight, outputs)
	n := int64(outputs)
	return packed{l.tensor(torch.Int8, w, shape...), l.tensor(torch.Float32, scales, n), l.sc.Zeros(torch.Int32, n)}
}

// An output is how an integer product leaves its result.
type output struct {
	scale float64
	zero  int
	dtype torch.DType
	codes *coding // nil: numbers
	sum   torch.Value
	of    coding // of sum
}

// output prepares where a product's result goes: its codes or numbers, and what it
// is added to, which it overwrites.
func (l *lowering) output(s *step, layout layout) output {
	o := output{scale: 1, dtype: l.floats()}
	if l.gives(s) {
		o.codes = l.options.Calibration.coding(s.node)
		o.scale, o.zero, o.dtype = o.codes.scale, o.codes.zero, torch.Uint8
	}
	if s.add == nil {
		return o
	}
	o.of = coding{scale: 1}
	if o.codes != nil {
		r := l.coded(s.add)
		o.sum, o.of = l.arranged(s.add, r, layout), *r.codes
	} else {
		o.sum = l.number(s.add, layout)
	}
	if !l.last(s.add) {
		o.sum = l.call(opClone, o.sum)
	}
	return o
}

func (o output) result(v torch.Value, layout layout) result {
	return result{v, layout, o.dtype, o.codes}
}

func (l *lowering) codedConv(s *step, c *nn.Conv2D) (result, error) {
	x := l.operand(s.in[0], images)
	padding, stride, dilation := geometry(c)
	k := int64(c.Kernel)
	w := l.round(s.weight, c.Out, int64(c.Out), int64(c.In), k, k)
	weight := l.sc.Call(opPackConv, w.weight, w.scales, x.codes.scale, x.codes.zero, stride, padding, dilation, 1, l.shape(s.in[0]))
	bias := l.tensor(torch.Float32, s.bias, int64(c.Out))
	o := l.output(s, images)
	args := []any{x.value, x.codes.scale, x.codes.zero, weight, w.scales, w.zeros}
	if s.add == nil {
		args = append(args, bias, stride, padding, dilation, 1, o.scale, o.zero, o.dtype, string(s.then), []float64{}, "")
		return o.result(l.call(opCodedConv, args...), images), nil
	}
	args = append(args, o.sum, bias, stride, padding, dilation, 1, o.scale, o.zero, o.dtype, o.of.scale, o.of.zero, "sum", 1.0, string(s.then), []float64{}, "")
	return o.result(l.call(opCodedConvInto, args...), images), nil
}

func (l *lowering) codedProduct(s *step, x result, m matrix, n int64, layout layout) (result, error) {
	w := l.round(m.weight, m.outputs, int64(m.outputs), m.inputs())
	weight := l.sc.Call(opPackLinear, w.weight, []int64{n, m.inputs()})
	bias := l.tensor(torch.Float32, m.bias, int64(m.outputs))
	o := l.output(s, layout)
	args := []any{x.value, x.codes.scale, x.codes.zero, weight, w.scales, w.zeros}
	if s.add == nil {
		args = append(args, bias, o.scale, o.zero, o.dtype, string(s.then), []float64{}, s.then.algorithm())
		return o.result(l.flat(s, l.call(opCodedProduct, args...)), layout), nil
	}
	args = append(args, l.unflat(s, o.sum), bias, o.scale, o.zero, o.dtype, o.of.scale, o.of.zero, "sum", 1.0, string(s.then), []float64{}, "")
	return o.result(l.flat(s, l.call(opCodedProductInto, args...)), layout), nil
}
