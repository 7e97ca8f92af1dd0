package plan

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"

	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
)

// A Precision says in what numbers a plan computes its products.
type Precision string

// The precisions.
const (
	Folded   Precision = "folded" // fp32 by the network's own operators: what folding alone is worth
	Float32  Precision = "fp32"
	BFloat16 Precision = "bf16"    // weights and activations; sums in float32
	Int8     Precision = "int8"    // weights and activations, between bfloat16; sums in int32
	Dynamic  Precision = "dynamic" // the network's own operators, but for linear layers as quantize_dynamic has them
)

// Precisions are all of them.
func Precisions() []Precision { return []Precision{Folded, Float32, BFloat16, Int8, Dynamic} }

// plain says whether a plan computes by the network's own operators, on maps as they lie.
func (p Precision) plain() bool { return p == Folded || p == Dynamic }

// Parse returns the precision of that name.
func Parse(name string) (Precision, error) {
	var names []string
	for _, p := range Precisions() {
		if string(p) == name {
			return p, nil
		}
		names = append(names, string(p))
	}
	return "", fmt.Errorf("plan %q, want one of %s", name, strings.Join(names, ", "))
}

// Options say what a plan is for.
type Options struct {
	Precision   Precision
	Batch       int          // images of a forward pass that weights are laid out for; other numbers work
	Pixels      int          // side of the images, which the network accepts
	Backbone    bool         // stop at what the head sees: for Samples
	Calibration *Calibration // for Int8, else nil
}

// A Plan is a network made ready. Several sessions may run it at the same time.
type Plan struct {
	Options
	program *torch.Program
	layers  map[string]int
}

// ErrDropout is why a network cannot have Monte-Carlo passes and be a plan or a script,
// in which there is no dropout.
var ErrDropout = errors.New("it drops within its backbone, and Monte-Carlo passes of plans and scripts have dropout in the head alone")

// Make makes a plan of a network whose weights are loaded. Plan.Samples needs those of
// the head afterwards, nothing else does. The caller frees the plan.
func Make(sc *torch.Scope, m *model.Model, o Options) (*Plan, error) {
	if err := m.CheckSize(o.Pixels, o.Pixels); err != nil {
		return nil, err
	}
	if o.Batch < 1 {
		return nil, fmt.Errorf("a plan for batches of %d images; want 1 or more", o.Batch)
	}
	if o.Precision == Int8 {
		if err := o.Calibration.check(m); err != nil {
			return nil, err
		}
	}
	g := m.Graph()
	if o.Backbone {
		if !m.DropoutOnlyInHead() {
			return nil, fmt.Errorf("%s: %w", m.Name, ErrDropout)
		}
		g = m.BackboneGraph()
	}
	make := steps
	if o.Precision == Dynamic {
		make = unfused
	}
	steps, err := make(g)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return lower(sc, m, o, steps)
}

// lower makes the plan of steps.
func lower(sc *torch.Scope, m *model.Model, o Options, steps []*step) (p *Plan, err error) {
	program, inputs := torch.NewProgram(1)
	layers := layersOf(o.Precision, steps)
	failure := sc.Try(func(sc *torch.Scope) {
		l := &lowering{sc: sc, options: o, program: program, shapes: shapes(sc, m, o),
			results: map[*step]result{}, uses: map[*step]int{}, takers: map[*step][]*step{}, encoded: map[*step]result{},
			forms: map[productShape]*productForm{}, layers: layers}
		err = l.run(steps, inputs[0])
	})
	if failure != nil {
		err = failure
	}
	if err != nil {
		program.Free()
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return &Plan{o, program, layers}, nil
}

// Layers returns how many layers with matrices of weights compute in which numbers:
// convolutions_fp32, linear_layers_int8 and so on; and products_by_convolution, how many
// of these are products of matrices that are computed as convolutions, if any.
func (p *Plan) Layers() map[string]int { return maps.Clone(p.layers) }

func layersOf(p Precision, steps []*step) map[string]int {
	count := map[string]int{}
	for _, s := range steps {
		switch op := s.op.(type) {
		case graph.Conv:
			count["convolutions_"+numbers(p, p == Dynamic)]++
		case graph.Linear:
			count["linear_layers_"+numbers(p, p == Dynamic && passedOver(op.Layer) || p != Dynamic && isHead(s))]++
		}
	}
	return count
}

// numbers names those of a layer, which are float32 where it is left out.
func numbers(p Precision, left bool) string {
	switch {
	case left || p == Folded:
		return string(Float32)
	case p == Dynamic:
		return string(Int8)
	}
	return string(p)
}

// Forward maps images [N bands pixels pixels] in float32, which stay the caller's,
// to logits [N], or those of a backbone to features [N d], as the network does in
// evaluation mode.
func (p *Plan) Forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return p.program.Run(sc, x)
}

// Samples returns the logits [K N] of K passes through the head with dropout, after
// one through this plan, which is of m's backbone.
func (p *Plan) Samples(sc *torch.Scope, m *model.Model, x *torch.Tensor, k int) *torch.Tensor {
	features := p.Forward(sc, x)
	defer features.Free()
	return m.HeadSamples(sc, features, k)
}

// Free frees the plan. Freeing twice does nothing.
func (p *Plan) Free() { p.program.Free() }

// Check compares the plan's logits, or features, of images x with those of the network
// that it was made of. One that differs by more than tolerance, times the larger of 1 and the
// network's, is an error that names it. How much a right plan differs depends on the
// weights: with random ones 1e-5 in float32 and 2e-2 in bfloat16, with trained ones,
// whose sums cancel, up to ten times as much.
func (p *Plan) Check(sc *torch.Scope, m *model.Model, x *torch.Tensor, tolerance float64) error {
	forward, result := m.Forward, "logit"
	if p.Backbone {
		forward = func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor { return m.Features(sc, x, nn.Evaluation) }
		result = "feature"
	}
	want, err := read(forward(sc, x))
	if err != nil {
		return err
	}
	got, err := read(p.Forward(sc, x))
	if err != nil {
		return err
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i] - w)); !(d <= tolerance*max(1, math.Abs(float64(w)))) {
			return fmt.Errorf("%s plan of %s: %s %d is %g, the network's %g: beyond the tolerance of %g", p.Precision, m.Name, result, i, got[i], w, tolerance)
		}
	}
	return nil
}

// read copies the values of t, which it frees.
func read(t *torch.Tensor) ([]float32, error) {
	defer t.Free()
	values := make([]float32, t.Numel())
	return values, t.CopyFloat32(values)
}
