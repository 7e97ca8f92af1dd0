package torch_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A perceptron is a network of one hidden layer with everything that a checkpoint
// has to get right: parameters of its own, and a mask of random numbers.
type perceptron struct{ weights []*torch.Tensor }

func newPerceptron(sc *torch.Scope) perceptron {
	sc.Seed(1)
	p := perceptron{[]*torch.Tensor{sc.Randn(64, 16), sc.Randn(64), sc.Randn(16, 64), sc.Randn(16)}}
	for _, w := range p.weights {
		w.SetRequiresGrad(true)
	}
	return p
}

func (p perceptron) forward(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
	y := sc.GELU(sc.Linear(x, p.weights[0], p.weights[1]))
	return sc.Linear(sc.Dropout(y, 0.3), p.weights[2], p.weights[3])
}

// How a function is applied.
type apply = func(sc *torch.Scope, f torch.Segment, x *torch.Tensor) *torch.Tensor

func plain(sc *torch.Scope, f torch.Segment, x *torch.Tensor) *torch.Tensor { return f(sc, x, false) }

// bits are the loss and all gradients of two perceptrons on an input whose gradient
// is wanted or not.
func bits(t *testing.T, sc *torch.Scope, how apply, wanted bool) (out [][]float32) {
	t.Helper()
	sc.Scoped(func(sc *torch.Scope) {
		p, q := newPerceptron(sc), newPerceptron(sc)
		x := sc.Randn(8, 16)
		x.SetRequiresGrad(wanted)
		y := how(sc, q.forward, how(sc, p.forward, x))
		loss := sc.Sum(sc.Mul(y, y))
		out = append(out, floats(t, loss), floats(t, sc.Rand(4))) // the generator goes on alike
		sc.Rand(100)                                              // the generator has gone on since
		sc.Backward(loss)
		leaves := append(p.weights, q.weights...)
		if wanted {
			leaves = append(leaves, x)
		}
		for _, g := range sc.Grads(leaves) {
			out = append(out, floats(t, g))
		}
		out = append(out, floats(t, sc.Rand(4)))
	})
	return out
}

func equal(a, b [][]float32) bool { return slices.EqualFunc(a, b, slices.Equal[[]float32]) }

// Gradients of parameters and of inputs, leaves and results, are those of the plain
// pass to the last bit, and so are the random numbers after it.
func TestCheckpointGradients(t *testing.T) {
	for name, wanted := range map[string]bool{"input is a leaf": true, "input without gradient": false} {
		t.Run(name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				if !equal(bits(t, sc, plain, wanted), bits(t, sc, (*torch.Scope).Checkpoint, wanted)) {
					t.Error("gradients differ from those of the plain pass")
				}
			})
		})
	}
}

// Sabotage: the comparison above finds a generator that is not put back.
func TestCheckpointWithoutRandomNumbers(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		want, got := bits(t, sc, plain, true), bits(t, sc, (*torch.Scope).CheckpointWithoutRandom, true)
		if !slices.Equal(want[0], got[0]) {
			t.Error("the loss differs: the sabotage is in the wrong place")
		}
		if slices.EqualFunc(want[2:10], got[2:10], slices.Equal[[]float32]) {
			t.Error("gradients with other masks in the second pass go unnoticed")
		}
	})
}

// Checkpoints within checkpoints are computed three times.
func TestCheckpointNested(t *testing.T) {
	nested := func(sc *torch.Scope, f torch.Segment, x *torch.Tensor) *torch.Tensor {
		return sc.Checkpoint(func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
			return sc.Checkpoint(f, x)
		}, x)
	}
	torchtest.Train(t, func(sc *torch.Scope) {
		if !equal(bits(t, sc, plain, true), bits(t, sc, nested, true)) {
			t.Error("gradients differ from those of the plain pass")
		}
	})
}

// Under autocast both passes cast, wherever the backward pass runs, and no cast of
// one pass serves the other.
func TestCheckpointAutocast(t *testing.T) {
	step := func(t *testing.T, sc *torch.Scope, how apply, inside bool) (out [][]float32) {
		sc.Scoped(func(sc *torch.Scope) {
			p := newPerceptron(sc)
			x := sc.Randn(8, 16)
			f := func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
				y := p.forward(sc, x, again)
				if y.DType() != torch.BFloat16 || !torchtest.Autocasting() {
					t.Errorf("again %v: result %v, want bfloat16", again, y)
				}
				return sc.To(p.forward(sc, y, again), torch.Float32) // each weight twice
			}
			var loss *torch.Tensor
			torchtest.Autocast(torch.BFloat16, func() {
				y := how(sc, f, x)
				loss = sc.Sum(sc.Mul(y, y))
				if inside {
					sc.Backward(loss)
				}
			})
			if !inside {
				sc.Backward(loss)
			}
			if torchtest.Autocasting() {
				t.Error("autocast is on after the backward pass")
			}
			for i, g := range sc.Grads(p.weights) {
				if g == nil {
					t.Fatalf("weight %d has no gradient", i)
				}
				out = append(out, floats(t, g))
			}
			// A cast that stayed in the cache would hide the change.
			sc.NoGrad(func() { sc.Zero(p.weights[2]); sc.Zero(p.weights[3]) })
			torchtest.Autocast(torch.BFloat16, func() {
				out = append(out, floats(t, sc.To(p.forward(sc, x, true), torch.Float32)))
			})
		})
		return out
	}
	for name, inside := range map[string]bool{"backward outside": false, "backward inside": true} {
		t.Run(name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				want, got := step(t, sc, plain, inside), step(t, sc, (*torch.Scope).Checkpoint, inside)
				if !equal(want, got) {
					t.Error("gradients differ from those of the plain pass")
				}
				if slices.ContainsFunc(got[4], func(v float32) bool { return v != 0 }) {
					t.Error("a cast of weights was used after they changed")
				}
			})
		})
	}
}

// What a segment may return beside a new tensor.
func TestCheckpointResults(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(sc *torch.Scope, x, w *torch.Tensor) *torch.Tensor
		x, w []float32 // gradients of the sum of squares
	}{
		{"its input", func(sc *torch.Scope, x, w *torch.Tensor) *torch.Tensor { return x }, []float32{4, 8}, nil},
		{"a view of its input", func(sc *torch.Scope, x, w *torch.Tensor) *torch.Tensor { return sc.View(x, 2, 1) }, []float32{4, 8}, nil},
		{"a leaf", func(sc *torch.Scope, x, w *torch.Tensor) *torch.Tensor { return w }, nil, []float32{6, 10}},
		{"a tensor without gradient", func(sc *torch.Scope, x, w *torch.Tensor) *torch.Tensor { return vec(sc, 1, 2) }, nil, nil},
		{"a result of both", (*torch.Scope).Mul, []float32{36, 200}, []float32{24, 160}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				x, w := vec(sc, 1, 2), vec(sc, 3, 5)
				x.SetRequiresGrad(true)
				w.SetRequiresGrad(true)
				calls := 0
				y := sc.Checkpoint(func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
					if again != (calls > 0) {
						t.Errorf("call %d: again %v", calls, again)
					}
					calls++
					return tt.f(sc, x, w)
				}, sc.AddInPlace(sc.MulScalar(x, 1), x))
				sc.Backward(sc.Sum(sc.Mul(y, y)))
				check := func(name string, leaf *torch.Tensor, want []float32) {
					g := sc.Grad(leaf)
					if g == nil && want == nil {
						return
					}
					if g == nil || !slices.Equal(floats(t, g), want) {
						t.Errorf("gradient of %s %v, want %v", name, g, want)
					}
				}
				check("x", x, scaled(tt.x, 2))
				check("w", w, tt.w)
				if calls != 2 {
					t.Errorf("%d calls, want 2", calls)
				}
			})
		})
	}
}

func scaled(v []float32, c float32) (out []float32) {
	for _, x := range v {
		out = append(out, c*x)
	}
	return out
}

// Without recording there is one call, and no callback is kept.
func TestCheckpointUnrecorded(t *testing.T) {
	calls := 0
	f := func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
		calls++
		return sc.Add(sc.Mul(x, x), x)
	}
	check := func(sc *torch.Scope) {
		before := sc.Len()
		x := vec(sc, 1, 2)
		near(t, "x² + x", floats(t, sc.Checkpoint(f, x)), []float32{2, 6})
		if sc.Len() != before+2 || torch.LiveCallbacks() != 0 {
			t.Errorf("%d tensors and %d callbacks, want 2 and 0", sc.Len()-before, torch.LiveCallbacks())
		}
	}
	torchtest.Run(t, check)
	torchtest.Train(t, func(sc *torch.Scope) { sc.NoGrad(func() { check(sc) }) })
	if calls != 2 {
		t.Errorf("%d calls, want 2", calls)
	}
}

// TestCheckpointIsFreed: tensors and functions go with the graph, whether it was
// gone back through, failed, or was forgotten.
func TestCheckpointIsFreed(t *testing.T) {
	ends := map[string]func(sc *torch.Scope, loss *torch.Tensor){
		"backward": func(sc *torch.Scope, loss *torch.Tensor) {
			sc.Backward(loss)
			if n := torch.LiveCallbacks(); n != 0 {
				t.Errorf("%d callbacks alive after the backward pass, before the loss is freed", n)
			}
		},
		"no backward": func(sc *torch.Scope, loss *torch.Tensor) {
			if n := torch.LiveCallbacks(); n != 3 {
				t.Errorf("%d callbacks alive, want 3", n)
			}
		},
		"freed": func(sc *torch.Scope, loss *torch.Tensor) { loss.Free() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) { // which counts both
				p := newPerceptron(sc)
				sc.Scoped(func(sc *torch.Scope) {
					x := sc.Randn(8, 16)
					for range 3 {
						x = sc.Checkpoint(p.forward, x)
					}
					end(sc, sc.Sum(x))
				})
				if n := torch.LiveCallbacks(); n != 0 {
					t.Errorf("%d callbacks alive, want 0", n)
				}
			})
		})
	}
}

// TestCheckpointPanics: what a segment panics with in either pass comes out of the
// function that ran it, and leaves the thread as it was.
func TestCheckpointPanics(t *testing.T) {
	mine := errors.New("mine")
	var own *torch.Error
	for name, tt := range map[string]struct {
		fail func(sc *torch.Scope, x *torch.Tensor)
		want func(r any) bool
	}{
		"operator": {func(sc *torch.Scope, x *torch.Tensor) { sc.Add(x, sc.Rand(3)) }, func(r any) bool {
			e, ok := r.(*torch.Error)
			return ok && e.Kind == torch.ErrInvalid && strings.Contains(e.Op, "aten::add.Tensor(float32[2], float32[3]")
		}},
		"use after free": {func(sc *torch.Scope, x *torch.Tensor) { x.Free(); sc.Add(x, x) }, func(r any) bool {
			e, ok := r.(error)
			return ok && errors.Is(e, torch.ErrUseAfterFree)
		}},
		"out of memory": {func(sc *torch.Scope, x *torch.Tensor) { sc.Zeros(torch.Float32, 1<<46) }, func(r any) bool {
			e, ok := r.(error)
			return ok && errors.Is(e, torch.ErrOutOfMemory)
		}},
		"same error": {func(sc *torch.Scope, x *torch.Tensor) {
			own = &torch.Error{Op: "mine", Kind: torch.ErrInternal}
			panic(own)
		}, func(r any) bool { return r == own }},
		"error":   {func(*torch.Scope, *torch.Tensor) { panic(mine) }, func(r any) bool { return r == mine }},
		"string":  {func(*torch.Scope, *torch.Tensor) { panic("boom") }, func(r any) bool { return r == "boom" }},
		"runtime": {func(*torch.Scope, *torch.Tensor) { _ = []int(nil)[torch.LiveTensors()] }, func(r any) bool { _, ok := r.(error); return ok }},
	} {
		for pass, nested := range map[string]bool{"first": false, "second": false, "second, nested": true} {
			t.Run(name+"/"+pass, func(t *testing.T) {
				torchtest.Train(t, func(sc *torch.Scope) {
					f := func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
						y := sc.Dropout(sc.Mul(x, x), 0.5)
						if again == (pass != "first") {
							tt.fail(sc, x)
						}
						return y
					}
					if nested {
						inner := f
						f = func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor { return sc.Checkpoint(inner, x) }
					}
					x := vec(sc, 1, 2)
					x.SetRequiresGrad(true)
					var loss *torch.Tensor
					var after []byte
					r := recovered(func() {
						loss = sc.Sum(sc.Checkpoint(f, x))
						after = sc.RandomState(torch.Place{})
						sc.Backward(loss)
					})
					if !tt.want(r) {
						t.Errorf("panic %v", r)
					}
					if pass != "first" && !slices.Equal(after, sc.RandomState(torch.Place{})) {
						t.Error("the generator stays where the second pass was")
					}
					if !sc.Add(x, x).RequiresGrad() {
						t.Error("nothing is recorded any more")
					}
					y := sc.Sum(sc.Mul(x, x))
					sc.ZeroGrads([]*torch.Tensor{x})
					sc.Backward(y)
					near(t, "gradient afterwards", floats(t, sc.Grad(x)), []float32{2, 4})
				})
			})
		}
	}
}

func recovered(f func()) (r any) {
	defer func() { r = recover() }()
	f()
	return nil
}

// TestCheckpointErrors: misuse is an error that says so.
func TestCheckpointErrors(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		f          torch.Segment
		times      int // backward passes
	}{
		{"no result", "tensor is nil", func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor { return nil }, 1},
		{"input changed in place", "modified by an inplace operation", func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
			return sc.AddInPlace(x, x)
		}, 1},
		{"another shape", "shape", func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
			if again {
				return sc.Cat(0, x, x)
			}
			return sc.Mul(x, x)
		}, 1},
		{"second backward pass", "backward through the graph a second time", func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
			return sc.Mul(x, x)
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				x := vec(sc, 1, 2)
				x.SetRequiresGrad(true)
				err := try(func() {
					loss := sc.Sum(sc.Checkpoint(tt.f, sc.Add(x, x)))
					for range tt.times {
						sc.Backward(loss)
					}
				})
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
			})
		})
	}
}

// A result changed in place by what comes after the checkpoint, as ReLU does.
func TestCheckpointResultInPlace(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		x := vec(sc, -1, 2)
		x.SetRequiresGrad(true)
		y := sc.ReLUInPlace(sc.Checkpoint(func(sc *torch.Scope, x *torch.Tensor, again bool) *torch.Tensor {
			return sc.MulScalar(x, 3)
		}, x))
		sc.Backward(sc.Sum(sc.Mul(y, y)))
		near(t, "gradient", floats(t, sc.Grad(x)), []float32{0, 36})
	})
}

// The gradient of a checkpoint agrees with finite differences, too.
func TestCheckpointFiniteDifferences(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		checkGradients(t, sc, []*torch.Tensor{generic(sc, 3, 4), generic(sc, 2, 4)}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.Checkpoint(func(sc *torch.Scope, h *torch.Tensor, again bool) *torch.Tensor {
				return sc.GELU(sc.Linear(sc.Dropout(h, 0.4), x[1], nil))
			}, sc.MulScalar(x[0], math.Pi))
		})
	})
}
