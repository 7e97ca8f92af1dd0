package nn

import (
	"lensbench/system/safetensors"
	"lensbench/torch"
)

// A Source gives parameters their values: a [Formula], a [File], or the loaded
// tensors themselves ([Params.Values]). Counters are 0 unless it is Counted.
type Source interface {
	Fill(p *Param, dst []float32) error
}

// A Counted source knows the values of counters, too.
type Counted interface {
	Count(p *Param) (int64, error)
}

func count(src Source, p *Param) (int64, error) {
	if c, ok := src.(Counted); ok {
		return c.Count(p)
	}
	return 0, nil
}

// Params are the parameters of one network, in PyTorch's order.
type Params struct {
	// ChannelsLast makes Load keep the weights of convolutions with their input
	// channels innermost (torch.Scope.ChannelsLast). With images of that order,
	// convolutions in bfloat16 are faster. Values and files do not depend on it.
	ChannelsLast bool

	// Place is where Load makes the tensors; the zero value is the CPU.
	Place torch.Place

	list  []*Param
	scope *torch.Scope // owns the tensors; nil until loaded
}

// All returns the parameters.
func (ps *Params) All() []*Param { return ps.list }

// Trained returns the parameters that training changes by their gradients.
func (ps *Params) Trained() []*Param {
	var out []*Param
	for _, p := range ps.list {
		if !p.Buffer {
			out = append(out, p)
		}
	}
	return out
}

// RequireGrads says whether the loaded tensors of Trained require gradients. They
// must have been loaded outside inference mode.
func (ps *Params) RequireGrads(on bool) {
	for _, p := range ps.Trained() {
		p.T().SetRequiresGrad(on)
	}
}

// Values returns the values that the parameters have now, until the next change.
func (ps *Params) Values() Source { return values{} }

type values struct{}

func (values) Fill(p *Param, dst []float32) error { return p.T().CopyFloat32(dst) }

func (values) Count(p *Param) (int64, error) { return p.count, nil }

// Trainable returns the number of values that training changes.
func (ps *Params) Trainable() int64 {
	var n int64
	for _, p := range ps.list {
		if !p.Buffer {
			n += int64(p.Len())
		}
	}
	return n
}

// Bytes returns the size of what Load makes.
func (ps *Params) Bytes() int64 {
	var n int64
	for _, p := range ps.list {
		if !p.Counter {
			n += 4 * int64(p.Len())
		}
	}
	return n
}

// Load makes the tensors and fills them from src. It is called in a session;
// the tensors outlive it and are freed by [Params.Free].
func (ps *Params) Load(sc *torch.Scope, src Source) error {
	ps.Free()
	keepPages()
	ps.scope = torch.NewScope()
	buf := make([]float32, ps.longest())
	for _, p := range ps.list {
		if p.Counter {
			n, err := count(src, p)
			if err != nil {
				ps.Free()
				return err
			}
			p.count = n
			continue
		}
		data := buf[:p.Len()]
		if err := src.Fill(p, data); err != nil {
			ps.Free()
			return err
		}
		sc.Tagged(torch.Weights, func() {
			p.tensor = ps.scope.Own(ps.placed(sc, ps.inOrder(sc, sc.FromFloat32(data, int64s(p.Shape)...))))
		})
	}
	return nil
}

// inOrder returns a loaded tensor in the order that it is kept in.
func (ps *Params) inOrder(sc *torch.Scope, t *torch.Tensor) *torch.Tensor {
	if !ps.ChannelsLast || len(t.Shape()) != 4 {
		return t
	}
	return Next(t, sc.ChannelsLast(t))
}

// placed returns a loaded tensor at the place that it is kept at.
func (ps *Params) placed(sc *torch.Scope, t *torch.Tensor) *torch.Tensor {
	return Next(t, sc.Move(t, ps.Place))
}

// keepPages makes the C library keep the memory of freed tensors for the next
// ones. Its malloc returns to the system what is freed in larger pieces than the
// largest that it has seen freed so far, up to 32 MiB; Python has freed such
// pieces before PyTorch is even loaded. Without this, each forward pass of
// resnet18 on 32 images faults 5,000 pages in again, 5 % of its time.
func keepPages() {
	const justBelow = 31 << 20 // bytes
	torch.KeepPages(justBelow)
}

// Free frees the tensors. Freeing twice does nothing.
func (ps *Params) Free() {
	if ps.scope != nil {
		ps.scope.Free()
	}
	ps.scope = nil
	for _, p := range ps.list {
		p.tensor = nil
	}
}

// WriteFile writes the values that src has for the parameters, as PyTorch would
// save them. It needs no tensors.
func (ps *Params) WriteFile(path string, src Source) error {
	tensors, err := ps.tensors(src)
	if err != nil {
		return err
	}
	return safetensors.WriteFile(path, map[string]string{"format": "pt"}, tensors)
}

// Tensors returns the parameters with the values that they have when they are
// written, to be part of a file.
func (ps *Params) Tensors() []safetensors.Source {
	tensors, err := ps.tensors(ps.Values())
	if err != nil {
		panic(err) // counters are in memory
	}
	return tensors
}

func (ps *Params) tensors(src Source) ([]safetensors.Source, error) {
	var out []safetensors.Source
	for _, p := range ps.list {
		t := safetensors.Source{Name: p.Name, DType: safetensors.F32, Shape: p.Shape}
		if p.Counter {
			n, err := count(src, p)
			if err != nil {
				return nil, err
			}
			t.DType, t.Ints = safetensors.I64, []int64{n}
		} else {
			t.Float = func(dst []float32) error { return src.Fill(p, dst) }
		}
		out = append(out, t)
	}
	return out, nil
}

func (ps *Params) longest() int {
	n := 0
	for _, p := range ps.list {
		n = max(n, p.Len())
	}
	return n
}

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, n := range v {
		out[i] = int64(n)
	}
	return out
}
