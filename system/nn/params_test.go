package nn

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/safetensors"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// tiny is a network with one of every kind of parameter.
func tiny() *Params {
	b := NewBuilder()
	b.Conv2D("conv", Conv2D{In: 2, Out: 4, Kernel: 3, Stride: 1})
	b.BatchNorm("bn", 4)
	b.Linear("head.1", 4, 1)
	return b.Params()
}

func TestCounts(t *testing.T) {
	ps := tiny()
	if got, want := ps.Trainable(), int64(4*2*9+2*4+4+1); got != want {
		t.Errorf("%d trainable values, want %d", got, want)
	}
	if got, want := ps.Bytes(), 4*(ps.Trainable()+2*4); got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
}

func TestFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	ps, formula := tiny(), Formula{Seed: 3, Scrambled: true}
	if err := ps.WriteFile(path, formula); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path, ps)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := torch.LiveTensors()
	err = torch.Session{}.Run(func(sc *torch.Scope) error { return ps.Load(sc, f) })
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps.All() {
		if p.Counter {
			continue
		}
		got, want := make([]float32, p.Len()), make([]float32, p.Len())
		formula.Fill(p, want)
		if err := p.T().CopyFloat32(got); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s[%d] = %v, want %v", p.Name, i, got[i], want[i])
			}
		}
	}
	ps.Free()
	if n := torch.LiveTensors() - before; n != 0 {
		t.Errorf("%d tensors left", n)
	}
}

// Channels last is an order in memory alone: names, shapes and values stay, and a
// layer computes the same. The weights are small integers, so that sums are exact.
func TestChannelsLast(t *testing.T) {
	stride, err := torch.Find("aten::stride", "int")
	if err != nil {
		t.Fatal(err)
	}
	torchtest.Run(t, func(sc *torch.Scope) {
		var results [2][]float32
		for i, last := range []bool{false, true} {
			b := NewBuilder()
			conv := b.Conv2D("conv", Conv2D{In: 2, Out: 4, Kernel: 3, Stride: 1})
			ps := b.Params()
			ps.ChannelsLast = last
			if err := ps.Load(sc, counting{}); err != nil {
				t.Fatal(err)
			}
			defer ps.Free()
			w := conv.weight.T()
			want := int64(9) // between input channels, of 3×3 values
			if last {
				want = 1
			}
			if got := sc.CallAll(stride, w, 1)[0]; got != want {
				t.Errorf("channels last: %v: input channels are %v apart, want %d", last, got, want)
			}
			values := make([]float32, conv.weight.Len())
			if err := w.CopyFloat32(values); err != nil || values[1] != 1 || values[9] != 9 {
				t.Errorf("channels last: %v: values %v (%v), want 0, 1, 2, …", last, values, err)
			}
			y := conv.Forward(sc, sc.Ones(torch.Float32, 1, 2, 4, 4))
			results[i] = make([]float32, y.Numel())
			if err := y.CopyFloat32(results[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(results[0], results[1]) {
			t.Errorf("results %v, channels last %v", results[0], results[1])
		}
	})
}

// counting fills a parameter with 0, 1, 2, …
type counting struct{}

func (counting) Fill(p *Param, dst []float32) error {
	for i := range dst {
		dst[i] = float32(i)
	}
	return nil
}

func TestOpenFileMismatch(t *testing.T) {
	// Every case changes the one good list of tensors.
	good := []safetensors.Source{
		{Name: "conv.weight", DType: safetensors.F32, Shape: []int{4, 2, 3, 3}},
		{Name: "bn.weight", DType: safetensors.F32, Shape: []int{4}},
		{Name: "bn.bias", DType: safetensors.F32, Shape: []int{4}},
		{Name: "bn.running_mean", DType: safetensors.F32, Shape: []int{4}},
		{Name: "bn.running_var", DType: safetensors.F32, Shape: []int{4}},
		{Name: "bn.num_batches_tracked", DType: safetensors.I64},
		{Name: "head.1.weight", DType: safetensors.F32, Shape: []int{1, 4}},
		{Name: "head.1.bias", DType: safetensors.F32, Shape: []int{1}},
	}
	cases := []struct {
		name   string
		change func([]safetensors.Source) []safetensors.Source
		want   string // the error after the file's name; empty: none
	}{
		{"as it should be", func(s []safetensors.Source) []safetensors.Source { return s }, ""},
		{"without counter", func(s []safetensors.Source) []safetensors.Source { return append(s[:5:5], s[6:]...) }, ""},
		{"missing", func(s []safetensors.Source) []safetensors.Source { return s[1:] }, `tensor "conv.weight" is missing`},
		{"unexpected", func(s []safetensors.Source) []safetensors.Source {
			return append(s, safetensors.Source{Name: "fc.weight", DType: safetensors.F32})
		}, `tensor "fc.weight" is not in the network`},
		{"shape", func(s []safetensors.Source) []safetensors.Source { s[0].Shape = []int{4, 3, 3, 3}; return s },
			`tensor "conv.weight" has shape (4, 3, 3, 3), want (4, 2, 3, 3)`},
		{"type", func(s []safetensors.Source) []safetensors.Source { s[1].DType = safetensors.I64; return s },
			`tensor "bn.weight" has type I64, want F32: convert it with PyTorch's .float()`},
		{"counter's type", func(s []safetensors.Source) []safetensors.Source { s[5].DType = safetensors.F32; return s },
			`tensor "bn.num_batches_tracked" has type F32, want I64`},
		{"another network", func(s []safetensors.Source) []safetensors.Source { return nil },
			`tensor "conv.weight" is missing; tensor "bn.weight" is missing; tensor "bn.bias" is missing; and 4 more`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := safetensors.WriteFile(path, nil, c.change(append([]safetensors.Source(nil), good...))); err != nil {
				t.Fatal(err)
			}
			f, err := OpenFile(path, tiny())
			if err == nil {
				f.Close()
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != path+": "+c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestLoadFails: a source that fails half-way leaves no tensor behind.
func TestLoadFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	ps := tiny()
	if err := ps.WriteFile(path, Formula{}); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path, ps)
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // reading fails from now on
	before := torch.LiveTensors()
	err = torch.Session{}.Run(func(sc *torch.Scope) error { return ps.Load(sc, f) })
	if !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), `tensor "conv.weight"`) {
		t.Errorf("got %v", err)
	}
	if n := torch.LiveTensors() - before; n != 0 {
		t.Errorf("%d tensors left", n)
	}
}
