package torch_test

import (
	"errors"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func find(t testing.TB, name, overload string) *torch.Op {
	t.Helper()
	op, err := torch.Find(name, overload)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestErrorKinds(t *testing.T) {
	add, conv := find(t, "aten::add", "Tensor"), find(t, "aten::conv2d", "")
	for _, tt := range []struct {
		name string
		f    func(sc *torch.Scope)
		kind torch.Kind
		says []string
	}{
		{"shapes that do not fit", func(sc *torch.Scope) { sc.Add(sc.Rand(2, 3), sc.Rand(4)) },
			torch.ErrInvalid, []string{"aten::add.Tensor(float32[2 3], float32[4])", "must match"}},
		{"matrices that do not fit", func(sc *torch.Scope) { sc.MatMul(sc.Rand(2, 3), sc.Rand(4, 5)) },
			torch.ErrInvalid, []string{"aten::matmul(float32[2 3], float32[4 5])"}},
		{"channels that do not fit", func(sc *torch.Scope) { sc.Conv2D(sc.Rand(1, 3, 8, 8), sc.Rand(4, 2, 3, 3), nil, torch.Conv{}) },
			torch.ErrInvalid, []string{"float32[1 3 8 8]", "float32[4 2 3 3]", "channels"}},
		{"a dimension that is not there", func(sc *torch.Scope) { sc.Softmax(sc.Rand(2), 5) },
			torch.ErrInvalid, []string{"aten::softmax.int(float32[2], 5)", "out of range"}},
		{"a reshape to another size", func(sc *torch.Scope) { sc.Reshape(sc.Rand(6), 4, 2) },
			torch.ErrInvalid, []string{"aten::reshape(float32[6], [4 2])"}},
		{"more memory than exists", func(sc *torch.Scope) { sc.Empty(torch.Float32, 1<<46) },
			torch.ErrOutOfMemory, []string{"empty", "281474976710656 bytes"}},
		{"more memory than exists, in an operator", func(sc *torch.Scope) { sc.Zeros(torch.Float32, 1<<46) },
			torch.ErrOutOfMemory, []string{"aten::zeros([70368744177664], 6)"}},
		{"attention over nothing", func(sc *torch.Scope) {
			x := sc.Empty(torch.Float32, 1, 0, 3, 4)
			sc.ScaledDotProductAttention(x, x, x)
		}, torch.ErrInvalid, []string{"float32[1 0 3 4]", "attention over nothing"}},
		{"a negative size", func(sc *torch.Scope) { sc.Empty(torch.Float32, -1) }, torch.ErrInvalid, []string{"negative"}},
		{"a type without a kernel", func(sc *torch.Scope) { sc.MatMul(sc.Zeros(torch.Bool, 2, 2), sc.Zeros(torch.Bool, 2, 2)) },
			torch.ErrNotImplemented, []string{"aten::matmul(bool[2 2], bool[2 2])", "not implemented for 'Bool'"}},
		{"a string for a tensor", func(sc *torch.Scope) { sc.Call(add, sc.Rand(2), "x") },
			torch.ErrArgument, []string{`aten::add.Tensor(float32[2], "x")`, "argument 2 (Tensor other) got a string"}},
		{"a float for an integer", func(sc *torch.Scope) {
			sc.Call(conv, sc.Rand(1, 1, 2, 2), sc.Rand(1, 1, 1, 1), nil, torch.Default, torch.Default, torch.Default, 1.5)
		}, torch.ErrArgument, []string{"argument 7 (int groups) got a float"}},
		{"none for a tensor", func(sc *torch.Scope) { sc.Call(add, sc.Rand(2), nil) },
			torch.ErrArgument, []string{"argument 2 (Tensor other) must not be none"}},
		{"none in a list of tensors", func(sc *torch.Scope) { sc.Cat(0, sc.Rand(2), nil) },
			torch.ErrArgument, []string{"aten::cat([float32[2] none], 0)", "no tensor at position 1"}},
		{"a missing argument", func(sc *torch.Scope) { sc.Call(conv, sc.Rand(1, 1, 2, 2)) },
			torch.ErrArgument, []string{"argument 2 (Tensor weight) is missing and has no default"}},
		{"a default that does not exist", func(sc *torch.Scope) { sc.Call(add, torch.Default, sc.Rand(1)) },
			torch.ErrArgument, []string{"aten::add.Tensor(default, float32[1])", "argument 1"}},
		{"a type that does not exist", func(sc *torch.Scope) { sc.To(sc.Rand(1), torch.DType(99)) },
			torch.ErrArgument, []string{"aten::to.dtype(float32[1], 99)", "argument 2 (ScalarType dtype) has no value of number 99"}},
		{"a tensor of a type that does not exist", func(sc *torch.Scope) { sc.Empty(torch.DType(-1), 1) },
			torch.ErrArgument, []string{"no dtype has the number -1"}},
		{"too many arguments", func(sc *torch.Scope) { sc.Call(add, sc.Rand(1), sc.Rand(1), 1, 2) },
			torch.ErrArgument, []string{"takes 3 arguments, got 4"}},
		{"a Go type without counterpart", func(sc *torch.Scope) { sc.Call(add, sc.Rand(1), float32(1)) },
			torch.ErrArgument, []string{"argument 2 is of Go type float32"}},
		{"data that does not fit the shape", func(sc *torch.Scope) { sc.FromFloat32(make([]float32, 5), 2, 3) },
			torch.ErrArgument, []string{"24 bytes", "20 bytes"}},
		{"a refill of another size", func(sc *torch.Scope) { sc.CopyFrom(sc.Rand(4), make([]float32, 3)) },
			torch.ErrArgument, []string{"16 bytes", "12 bytes"}},
		{"a refill of another type", func(sc *torch.Scope) { sc.CopyFrom(sc.FromInt64([]int64{1}, 1), make([]float32, 2)) },
			torch.ErrArgument, []string{"Long[1] of 8 bytes", "Float of 8 bytes"}},
		{"a random state of another size", func(sc *torch.Scope) { sc.SetRandomState(torch.Place{}, make([]byte, 3)) }, torch.ErrInvalid, nil},
		{"no tensor", func(sc *torch.Scope) { sc.ReLU(nil) }, torch.ErrArgument, []string{"aten::relu", "nil"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := torchtest.Try(t, func(sc *torch.Scope) error { tt.f(sc); return nil })
			if !errors.Is(err, tt.kind) {
				t.Fatalf("error %v, want kind %v", err, tt.kind)
			}
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %q does not say %q", err, text)
				}
			}
			if strings.Contains(err.Error(), "Exception raised from") {
				t.Errorf("error has a C++ backtrace: %q", err)
			}
		})
	}
}

func TestFindUnknownOperator(t *testing.T) {
	for _, tt := range []struct{ name, overload, want string }{
		{"aten::nonesuch", "", "aten::nonesuch: libtorch 2.11.0 has no such operator"},
		{"aten::conv2d", "Tensor", `aten::conv2d.Tensor: libtorch 2.11.0 has no such operator, only the overloads "`},
		{"", "", ": libtorch 2.11.0 has no such operator"},
		{"aten::relu\x00", "", `"aten::relu\x00": a name holds no zero byte`},
	} {
		want := strings.ReplaceAll(tt.want, "2.11.0", torch.Version())
		_, err := torch.Find(tt.name, tt.overload)
		if !errors.Is(err, torch.ErrUnknownOperator) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Find(%q, %q): %v, want %s", tt.name, tt.overload, err, want)
		}
	}
}

// An error must leave nothing behind that a later call could trip over.
func TestErrorsDoNotDisturbLaterCalls(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.FromFloat32([]float32{-1, 2}, 2)
		for range 100 {
			if err := try(func() { sc.Add(x, sc.Rand(3)) }); !errors.Is(err, torch.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if got := floats(t, sc.ReLU(x)); got[0] != 0 || got[1] != 2 {
				t.Fatalf("relu after an error: %v", got)
			}
		}
	})
}

// try returns the *Error that f panics with.
func try(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

func TestKindsAreNamed(t *testing.T) {
	for _, k := range []torch.Kind{torch.ErrInvalid, torch.ErrOutOfMemory, torch.ErrNotImplemented, torch.ErrUnknownOperator,
		torch.ErrArgument, torch.ErrInternal, torch.ErrUseAfterFree} {
		if strings.HasPrefix(k.Error(), "error kind") {
			t.Errorf("kind %d has no name", int(k))
		}
	}
}
