package torch_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// packed returns the weights 1, 2 of a linear layer, in 8 bits and packed.
func packed(t testing.TB, sc *torch.Scope) *torch.Object {
	t.Helper()
	const qint8 = 12 // of c10::ScalarType
	w := sc.Call(find(t, "aten::quantize_per_tensor", ""), vec2(sc, 1, 2), 2./127, 0, qint8)
	return sc.CallAll(find(t, "quantized::linear_prepack", ""), w, nil)[0].(*torch.Object)
}

// TestObject: an operator's packed weights serve another, by itself and in a program
// that outlives them.
func TestObject(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		dynamic := find(t, "quantized::linear_dynamic", "")
		weights := packed(t, sc)
		p, in := torch.NewProgram(1)
		defer p.Free()
		p.Call(dynamic, in[0], weights, true)
		x := vec2(sc, 3, 4)
		direct := sc.Call(dynamic, x, weights, true)
		weights.Free()
		weights.Free()
		for _, y := range []*torch.Tensor{direct, p.Run(sc, x)} {
			if got := floats(t, y)[0]; math.Abs(float64(got)-11) > 0.1 { // 8 bits of numbers up to 4
				t.Errorf("%g, want about 11", got)
			}
		}
	})
}

func TestObjectErrors(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		dynamic, x := find(t, "quantized::linear_dynamic", ""), vec2(sc, 1, 2)
		freed := packed(t, sc)
		freed.Free()
		weights := packed(t, sc)
		defer weights.Free()
		for name, c := range map[string]struct {
			call func(sc *torch.Scope)
			kind torch.Kind
			want string
		}{
			"freed":       {func(sc *torch.Scope) { sc.Call(dynamic, x, freed) }, torch.ErrUseAfterFree, "object was freed"},
			"nil":         {func(sc *torch.Scope) { sc.Call(dynamic, x, (*torch.Object)(nil)) }, torch.ErrArgument, "object is nil"},
			"a tensor":    {func(sc *torch.Scope) { sc.Call(dynamic, x, x) }, torch.ErrArgument, "W_prepack) got a tensor"},
			"no object":   {func(sc *torch.Scope) { sc.Call(find(t, "aten::relu", ""), weights) }, torch.ErrArgument, "aten::relu(object): argument 1 (Tensor self) got an object"},
			"other class": {func(sc *torch.Scope) { sc.Call(find(t, "quantized::conv2d_dynamic", ""), x, weights) }, torch.ErrArgument, "got an object of __torch__.torch.classes.quantized.LinearPackedParamsBase"},
		} {
			if err := sc.Try(c.call); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q of kind %v", name, err, c.want, c.kind)
			}
		}
	})
}
