package torch_test

import (
	"fmt"
	"slices"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// TestArguments passes every type of argument through an operator that shows it.
func TestArguments(t *testing.T) {
	op := func(name, overload string) *torch.Op { return find(t, name, overload) }
	for _, tt := range []struct {
		name string
		op   *torch.Op
		args func(sc *torch.Scope) []any
		want string
	}{
		{"tensor", op("aten::neg", ""), func(sc *torch.Scope) []any { return []any{vec(sc, 1, 2)} }, "[-1 -2]"},
		{"list of tensors", op("aten::stack", ""), func(sc *torch.Scope) []any { return []any{[]*torch.Tensor{vec(sc, 1), vec(sc, 2)}} }, "[1 2]"},
		{"list with a missing tensor", op("aten::index", "Tensor"), func(sc *torch.Scope) []any {
			return []any{count(sc, 2, 2), []*torch.Tensor{nil, sc.FromInt64([]int64{1}, 1)}}
		}, "[1 3]"},
		{"nil tensor for none", op("aten::linear", ""), func(sc *torch.Scope) []any {
			return []any{vec(sc, 2), sc.FromFloat32([]float32{3}, 1, 1), (*torch.Tensor)(nil)}
		}, "[6]"},
		{"int", op("aten::select", "int"), func(sc *torch.Scope) []any { return []any{count(sc, 3), 0, int64(2)} }, "[2]"},
		{"int for a float", op("aten::full", ""), func(sc *torch.Scope) []any { return []any{[]int{2}, 3, torch.Float32} }, "[3 3]"},
		{"int for a float argument", op("aten::leaky_relu", ""), func(sc *torch.Scope) []any { return []any{vec(sc, -1), 2} }, "[-2]"},
		{"float", op("aten::clamp_min", ""), func(sc *torch.Scope) []any { return []any{vec(sc, -1, 2), 0.5} }, "[0.5 2]"},
		{"bool", op("aten::sort", ""), func(sc *torch.Scope) []any { return []any{vec(sc, 1, 3, 2), 0, true} }, "[3 2 1]"},
		{"string", op("aten::gelu", ""), func(sc *torch.Scope) []any { return []any{vec(sc, 0), "tanh"} }, "[0]"},
		{"long string", op("aten::einsum", ""), func(sc *torch.Scope) []any {
			return []any{"ij,jk->ik", []*torch.Tensor{count(sc, 1, 2), count(sc, 2, 1)}}
		}, "[1]"},
		{"list of int", op("aten::permute", ""), func(sc *torch.Scope) []any { return []any{count(sc, 2, 2), []int{1, 0}} }, "[0 2 1 3]"},
		{"list of int64", op("aten::sum", "dim_IntList"), func(sc *torch.Scope) []any { return []any{count(sc, 2, 2), []int64{0}} }, "[2 4]"},
		{"empty list", op("aten::reshape", ""), func(sc *torch.Scope) []any { return []any{vec(sc, 5), []int{}} }, "[5]"},
		{"list of float", op("aten::upsample_nearest1d", "vec"), func(sc *torch.Scope) []any {
			return []any{count(sc, 1, 1, 2), nil, []float64{2}}
		}, "[0 0 1 1]"},
		{"default in between", op("aten::add", "Tensor"), func(sc *torch.Scope) []any { return []any{vec(sc, 1), vec(sc, 2), torch.Default} }, "[3]"},
		{"bool for a number", op("aten::add", "Scalar"), func(sc *torch.Scope) []any { return []any{vec(sc, 1), true} }, "[2]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Run(t, func(sc *torch.Scope) {
				if got := fmt.Sprint(floats(t, sc.Call(tt.op, tt.args(sc)...))); got != tt.want {
					t.Errorf("%s: %s, want %s", tt.op.Schema(), got, tt.want)
				}
			})
		})
	}
}

func TestResults(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		parts := sc.CallN(find(t, "aten::split", "Tensor"), count(sc, 5), 2)
		if len(parts) != 3 || !slices.Equal(floats(t, parts[1]), []float32{2, 3}) {
			t.Errorf("split: %v", parts)
		}
		both := sc.CallN(find(t, "aten::max", "dim"), vec(sc, 1, 3, 2), 0)
		if len(both) != 2 || floats(t, both[0])[0] != 3 || both[1].DType() != torch.Int64 {
			t.Errorf("maximum and its index: %v", both)
		}
		for want, got := range map[any][]any{
			true:        sc.CallAll(find(t, "aten::equal", ""), vec(sc, 1), vec(sc, 1)),
			int64(2):    sc.CallAll(find(t, "aten::size", "int"), count(sc, 1, 2), 1),
			float64(.5): sc.CallAll(find(t, "aten::item", ""), vec(sc, .5)),
		} {
			if len(got) != 1 || got[0] != want {
				t.Errorf("result %v, want %v", got, want)
			}
		}
		if y := sc.Call(find(t, "aten::equal", ""), vec(sc, 1), vec(sc, 1)); y != nil {
			t.Errorf("a boolean came as tensor %v", y)
		}
	})
}

func TestOperatorNames(t *testing.T) {
	op := find(t, "aten::relu", "")
	if again := find(t, "aten::relu", ""); op != again {
		t.Error("an operator was looked up twice")
	}
	if op.Name() != "aten::relu" || op.Schema() != "aten::relu(Tensor self) -> Tensor" {
		t.Errorf("name %q, schema %q", op.Name(), op.Schema())
	}
	if name := find(t, "aten::add", "Tensor").Name(); name != "aten::add.Tensor" {
		t.Errorf("name %q", name)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("aten::relu", "")
	f.Add("aten::add", "Tensor")
	f.Add("aten::add\x00", "Tensor")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, name, overload string) {
		op, err := torch.Find(name, overload)
		if (op == nil) == (err == nil) {
			t.Fatalf("Find(%q, %q) = %v, %v", name, overload, op, err)
		}
	})
}

// FuzzCall calls operators with arguments that need not make sense: the answer
// is a result or an *Error, and no tensor is left alive.
func FuzzCall(f *testing.F) {
	f.Add(uint8(0), []byte{0, 1, 2, 3})
	f.Add(uint8(3), []byte{1, 1, 1, 5, 0, 9, 9})
	f.Add(uint8(5), []byte{7, 4, 0, 0, 8, 2})
	var ops []*torch.Op
	for _, name := range [][2]string{{"aten::add", "Tensor"}, {"aten::conv2d", ""}, {"aten::reshape", ""}, {"aten::cat", ""},
		{"aten::index", "Tensor"}, {"aten::softmax", "int"}, {"aten::split", "Tensor"}, {"aten::gelu", ""}, {"aten::max_pool2d", ""},
		{"aten::layer_norm", ""}, {"aten::sum", "dim_IntList"}, {"aten::item", ""}} {
		ops = append(ops, find(f, name[0], name[1]))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		op := ops[int(which)%len(ops)]
		torchtest.Try(t, func(sc *torch.Scope) error {
			sc.CallAll(op, arguments(sc, data)...)
			return nil
		})
	})
}

// arguments makes arguments of bytes, each of a small value.
func arguments(sc *torch.Scope, data []byte) (args []any) {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	small := func() int { return next()%9 - 3 }
	for len(data) > 0 && len(args) < 9 {
		switch next() % 12 {
		case 0:
			args = append(args, nil)
		case 1:
			args = append(args, count(sc, int64(next()%4), int64(next()%4)))
		case 2:
			args = append(args, count(sc, 1, int64(next()%3), int64(next()%5), 4))
		case 3:
			args = append(args, []*torch.Tensor{vec(sc, 1, 2), nil, vec(sc, 3)}[:next()%4])
		case 4:
			args = append(args, small())
		case 5:
			args = append(args, float64(small())/2)
		case 6:
			args = append(args, next()%2 == 0)
		case 7:
			args = append(args, []string{"", "none", "tanh", "a string of more than a word"}[next()%4])
		case 8:
			args = append(args, []int{small(), small(), small()}[:next()%4])
		case 9:
			args = append(args, []float64{float64(small()), .5}[:next()%3])
		case 10:
			args = append(args, []bool{true, false}[:next()%3])
		case 11:
			args = append(args, torch.Default)
		}
	}
	return args
}
