package plan

import (
	"fmt"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A testProduct is x [batch between… inputs] by a matrix.
type testProduct struct {
	batch, inputs, outputs int64
	between                []int64
	then                   activation
	adds                   bool
}

func (c testProduct) shape(last int64) []int64 {
	return append(append([]int64{c.batch}, c.between...), last)
}

func (c testProduct) vectors() int64 {
	n := c.batch
	for _, d := range c.between {
		n *= d
	}
	return n
}

// program is the product in one form, of x and, if it adds, of what it adds.
func (c testProduct) program(sc *torch.Scope, f *productForm, weight, bias *torch.Tensor) *torch.Program {
	n := 1
	if c.adds {
		n = 2
	}
	p, in := torch.NewProgram(n)
	var sum *torch.Value
	if c.adds {
		sum = &in[1]
	}
	f.compute(p, product{f.prepare(sc, weight, c.vectors()), bias, c.between, c.inputs, c.outputs, c.then}, in[0], sum)
	return p
}

// TestProduct: both forms are libtorch's linear layer, and what comes behind it, in
// float32 of the same rounded numbers.
func TestProduct(t *testing.T) {
	forms := map[string]*productForm{"multiplied": multiplied, "convolved": convolved}
	for _, c := range []testProduct{
		{3, 64, 48, nil, none, false},
		{3, 64, 48, nil, relu, false},
		{3, 64, 48, nil, relu, true},
		{1, 17, 16, []int64{2}, none, true},
		{2, 32, 96, []int64{5}, gelu, false},
		{2, 96, 32, []int64{5}, none, true},
	} {
		torchtest.Run(t, func(sc *torch.Scope) {
			sc.Seed(4)
			rounded := func(shape ...int64) *torch.Tensor { return sc.To(sc.Randn(shape...), torch.BFloat16) }
			x, w, b := rounded(c.shape(c.inputs)...), rounded(c.outputs, c.inputs), rounded(c.outputs)
			in := []*torch.Tensor{x}
			want := sc.Call(opLinear, sc.To(x, torch.Float32), sc.To(w, torch.Float32), sc.To(b, torch.Float32))
			if c.adds {
				sum := rounded(c.shape(c.outputs)...)
				in = append(in, sum)
				want = sc.Add(want, sc.To(sum, torch.Float32))
			}
			switch c.then {
			case relu:
				want = sc.ReLU(want)
			case gelu:
				want = sc.Call(opGELU, want, "none")
			}
			for name, f := range forms {
				p := c.program(sc, f, w, b)
				defer p.Free()
				got := p.Run(sc, in...)
				if fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
					t.Fatalf("%+v, %s: shape %v, want %v", c, name, got.Shape(), want.Shape())
				}
				// Half a unit in the last of 8 bits, or a whole one where the sum was rounded first.
				if d := furthest(valuesOf(t, sc.To(got, torch.Float32)), valuesOf(t, sc.Add(want, sc.ZerosLike(want)))); d > 1./128 {
					t.Errorf("%+v, %s: differs by %g", c, name, d)
				}
			}
		})
	}
}

// TestProductForm: one thread multiplies, as float32 does, and one vector of an image
// does; another shape is tried once.
func TestProductForm(t *testing.T) {
	s := productShape{images: 8, perImage: 8, inputs: 32, outputs: 16, then: none}
	alone := productShape{images: 64, perImage: 1, inputs: 32, outputs: 16, then: none}
	for _, threads := range []int{1, 2} {
		err := torch.Session{Threads: threads, Inference: true}.Run(func(sc *torch.Scope) error {
			for _, p := range []Precision{Float32, BFloat16} {
				l := &lowering{sc: sc, options: Options{Precision: p}, forms: map[productShape]*productForm{}}
				w, b := sc.Zeros(l.floats(), s.outputs, s.inputs), sc.Zeros(l.floats(), s.outputs)
				if f := l.form(alone, w, b); f != multiplied || len(l.forms) > 0 {
					t.Errorf("%s with %d threads: one vector of an image was tried", p, threads)
				}
				f := l.form(s, w, b)
				if plain := threads == 1 || p == Float32; plain != (len(l.forms) == 0) || plain && f != multiplied {
					t.Errorf("%s with %d threads: %d tried", p, threads, len(l.forms))
				}
				l.forms[s] = convolved
				if f = l.form(s, w, b); threads == 2 && p == BFloat16 && f != convolved {
					t.Errorf("%s with %d threads: tried twice", p, threads)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestPlanOfSeveralThreads: whatever forms its products have there, a plan computes the
// network's logits, also of fewer images than it was made for.
func TestPlanOfSeveralThreads(t *testing.T) {
	err := torch.Session{Threads: 2, Inference: true}.Run(func(sc *torch.Scope) error {
		m := loaded(t, sc, "light_transformer")
		defer m.Params.Free()
		plan := made(t, sc, m, BFloat16, 8, int64(m.Pixels))
		defer plan.Free()
		for _, n := range []int64{8, 1} {
			if err := plan.Check(sc, m, random(sc, n, int64(m.Pixels)), 5e-2); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// BenchmarkProduct: both forms of the products of vit_b_16 for 4 images, and of
// light_transformer for 32, with two threads.
func BenchmarkProduct(b *testing.B) {
	for _, c := range []testProduct{
		{4, 768, 2304, []int64{197}, none, false},
		{4, 768, 768, []int64{197}, none, true},
		{4, 768, 3072, []int64{197}, gelu, false},
		{4, 3072, 768, []int64{197}, none, true},
		{32, 256, 768, []int64{49}, none, false},
		{32, 256, 512, []int64{49}, gelu, false},
		{32, 512, 256, []int64{49}, none, true},
	} {
		err := torch.Session{Threads: 2, Inference: true}.Run(func(sc *torch.Scope) error {
			w, bias := sc.To(sc.Randn(c.outputs, c.inputs), torch.BFloat16), sc.To(sc.Randn(c.outputs), torch.BFloat16)
			in := []*torch.Tensor{sc.To(sc.Randn(c.shape(c.inputs)...), torch.BFloat16)}
			if c.adds {
				in = append(in, sc.To(sc.Randn(c.shape(c.outputs)...), torch.BFloat16))
			}
			for _, f := range []struct {
				name string
				form *productForm
			}{{"multiplied", multiplied}, {"convolved", convolved}} {
				p := c.program(sc, f.form, w, bias)
				b.Run(fmt.Sprintf("%d/%d/%d/%s", c.vectors(), c.inputs, c.outputs, f.name), func(b *testing.B) {
					for b.Loop() {
						p.Run(sc, in...).Free()
					}
				})
				p.Free()
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
