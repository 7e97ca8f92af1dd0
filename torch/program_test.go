package torch_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// TestProgram: a program computes what its calls compute one by one, however often,
// and on inputs of another size.
func TestProgram(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		p, in := torch.NewProgram(2)
		defer p.Free()
		weight := sc.FromFloat32([]float32{1, 2, 3, 4}, 2, 2)
		a := p.Call(find(t, "aten::linear", ""), in[0], weight, nil)         // x Wᵀ
		b := p.Call(find(t, "aten::add", "Tensor"), a, in[1])                // + y
		c := p.Call(find(t, "aten::cat", ""), []torch.Value{b, in[0], b}, 0) // both, and x between
		p.Call(find(t, "aten::mul", "Scalar"), c, 10)
		weight.Free() // it stays with the program
		for range 3 {
			x, y := vec2(sc, 1, 2), vec2(sc, 1, 1)
			if got, want := floats(t, p.Run(sc, x, y)), []float32{60, 120, 10, 20, 60, 120}; !slices.Equal(got, want) {
				t.Fatalf("%v, want %v", got, want)
			}
		}
		x := sc.FromFloat32([]float32{1, 0, 0, 1}, 2, 2)
		if got, want := floats(t, p.Run(sc, x, x)), []float32{20, 30, 20, 50, 10, 0, 0, 10, 20, 30, 20, 50}; !slices.Equal(got, want) {
			t.Errorf("two rows: %v, want %v", got, want)
		}
		if p.Len() != 4 {
			t.Errorf("%d calls, want 4", p.Len())
		}
	})
}

func vec2(sc *torch.Scope, a, b float32) *torch.Tensor { return sc.FromFloat32([]float32{a, b}, 1, 2) }

func TestProgramMemory(t *testing.T) { child(t, "program") }

// programMemory: a value is freed after the last call that takes it, so that a chain
// of calls has its operand and its result beside the input, whatever its length.
func programMemory() error {
	const elements, calls = 1 << 20, 8
	neg, err := torch.Find("aten::neg", "")
	if err != nil {
		return err
	}
	return torch.Session{Inference: true}.Run(func(sc *torch.Scope) error {
		p, in := torch.NewProgram(1)
		defer p.Free()
		v := in[0]
		for range calls {
			v = p.Call(neg, v)
		}
		x := sc.Zeros(torch.Float32, elements)
		p.Run(sc, x).Free()
		return expect("program", 4*elements, 3*4*elements)
	})
}

// TestProgramShared: sessions run one program at the same time.
func TestProgramShared(t *testing.T) {
	p, in := torch.NewProgram(1)
	defer p.Free()
	p.Call(find(t, "aten::relu_", ""), p.Call(find(t, "aten::neg", ""), in[0]))
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			err := torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
				for range 100 {
					y := make([]float32, 2)
					if err := p.Run(sc, vec(sc, float32(i), float32(-i))).CopyFloat32(y); err != nil || !slices.Equal(y, []float32{0, float32(i)}) {
						t.Errorf("%v, %v", y, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestProgramErrors(t *testing.T) {
	relu, add, equal := find(t, "aten::relu", ""), find(t, "aten::add", "Tensor"), find(t, "aten::equal", "")
	for name, c := range map[string]struct {
		build func(p *torch.Program, in torch.Value)
		run   int // inputs to run with
		kind  torch.Kind
		want  string
	}{
		"no calls":       {func(*torch.Program, torch.Value) {}, 1, torch.ErrArgument, "has no calls"},
		"inputs":         {func(p *torch.Program, in torch.Value) { p.Call(relu, in) }, 2, torch.ErrArgument, "takes 1 inputs, got 2"},
		"unknown value":  {func(p *torch.Program, in torch.Value) { p.Call(relu, torch.Value(7)) }, 1, torch.ErrArgument, "is value 7 of a program that has 1"},
		"negative value": {func(p *torch.Program, in torch.Value) { p.Call(relu, torch.Value(-1)) }, 1, torch.ErrArgument, "aten::relu(value -1): argument 1 (Tensor self) is value"},
		"type":           {func(p *torch.Program, in torch.Value) { p.Call(relu, 1) }, 1, torch.ErrArgument, "aten::relu(1): argument 1 (Tensor self) got an integer"},
		"value, not int": {func(p *torch.Program, in torch.Value) { p.Call(find(t, "aten::select", "int"), in, in, 0) }, 1, torch.ErrArgument, "argument 2 (int dim) got a value of a program"},
		"Go type":        {func(p *torch.Program, in torch.Value) { p.Call(relu, struct{}{}) }, 1, torch.ErrArgument, "argument 1 is of Go type struct {}"},
		"no tensor":      {func(p *torch.Program, in torch.Value) { p.Call(equal, in, in) }, 1, torch.ErrArgument, "returns no tensor"},
		"second call": {func(p *torch.Program, in torch.Value) {
			p.Call(relu, in)
			p.Call(find(t, "aten::reshape", ""), in, []int{7})
		}, 1, torch.ErrInvalid, "call 2 of 2 of a program, aten::reshape: shape '[7]' is invalid"},
	} {
		err := torch.Session{Inference: true}.Run(func(sc *torch.Scope) error {
			p, in := torch.NewProgram(1)
			defer p.Free()
			c.build(p, in[0])
			p.Run(sc, []*torch.Tensor{vec(sc, 1), vec(sc, 2)}[:c.run]...)
			return nil
		})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q of kind %v", name, err, c.want, c.kind)
		}
	}
	torchtest.Run(t, func(sc *torch.Scope) {
		if err := sc.Try(func(sc *torch.Scope) { sc.Call(relu, torch.Value(0)) }); err == nil || !strings.Contains(err.Error(), "torch.Value") {
			t.Errorf("a value in a call: %v", err)
		}
		p, in := torch.NewProgram(1)
		p.Call(add, in[0], in[0])
		p.Free()
		p.Free()
		if err := sc.Try(func(sc *torch.Scope) { p.Run(sc, vec(sc, 1)) }); !errors.Is(err, torch.ErrUseAfterFree) {
			t.Errorf("freed: %v", err)
		}
	})
}

// BenchmarkProgram: what a call costs in a program.
func BenchmarkProgram(b *testing.B) {
	torchtest.Run(b, func(sc *torch.Scope) {
		p, in := torch.NewProgram(1)
		defer p.Free()
		v := in[0]
		for range 100 {
			v = p.Call(find(b, "aten::neg", ""), v)
		}
		x := vec(sc, 1)
		for b.Loop() {
			p.Run(sc, x).Free()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/call")
	})
}
