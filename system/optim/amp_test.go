package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// An ampCase is what PyTorch has computed, see testdata/golden_amp.py.
type ampCase struct {
	Model             string
	Shape             []int64 // of the images
	Parts             int     // that a batch is cut into, whose gradients add up
	Precision         string
	Seed              uint64
	Rate, Decay, Clip float64
	Scale             float64 // 0: no scaler
	Interval          int
	Steps             []struct {
		Loss  float64
		Norm  *float64 // nil: not finite, the step was skipped
		Scale float64  // after the step
	}
	Weights float64 // norm of all weights at the end
}

func (c ampCase) dtype() torch.DType {
	if c.Precision == "float16" {
		return torch.Float16
	}
	return torch.BFloat16
}

func ampCases(t *testing.T) []ampCase {
	t.Helper()
	b, err := os.ReadFile("testdata/golden_amp.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []ampCase }
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	return golden.Cases
}

// Steps in mixed precision agree with PyTorch's: which of them overflow and are
// skipped and every scale exactly; losses and norms within a tenth until weights have
// moved, as numbers of bfloat16 are rounded by up to 0.4 % and kernels for other
// processors (with AMX, with float16 of their own) sum in another order. After that
// within a factor of three: AdamW's first steps are as long for tiny gradients as for
// large ones, and on which side of zero a tiny one lies is a matter of rounding. With
// one processor and one version of libtorch all are equal.
func TestMixedPrecisionOfPyTorch(t *testing.T) {
	for _, c := range ampCases(t) {
		torchtest.Train(t, func(sc *torch.Scope) {
			r := newAmpRun(t, sc, c)
			defer r.model.Params.Free()
			for i := range c.Steps {
				r.check(i, r.step(sc))
			}
			sum := 0.0
			for _, w := range r.adamw.Weights {
				n := size(t, w)
				sum += n * n
			}
			// A step moves a weight by the rate at most, so this norm tells little but
			// whether steps were made that should have been skipped.
			if got := math.Sqrt(sum); !near(got, c.Weights, 1e-4) {
				t.Errorf("%s, %s: weights have norm %.9g in the end, want %.9g", c.Model, c.Precision, got, c.Weights)
			}
		})
	}
}

// An ampRun is a training run in mixed precision on one batch.
type ampRun struct {
	ampCase
	t      *testing.T
	model  *model.Model
	adamw  *AdamW
	images []*torch.Tensor // of each part
	labels []*torch.Tensor
	moved  bool // a step was not skipped
}

// A taken is what a step has left.
type taken struct{ loss, norm, scale float64 }

func newAmpRun(t *testing.T, sc *torch.Scope, c ampCase) *ampRun {
	m, err := model.New(c.Model, int(c.Shape[1]))
	if err != nil {
		t.Fatal(err)
	}
	formula := nn.Formula{Seed: c.Seed}
	if err := m.Params.Load(sc, formula); err != nil {
		t.Fatal(err)
	}
	r := &ampRun{ampCase: c, t: t, model: m, adamw: NewAdamW(sc, m.Params, c.Decay, c.Clip)}
	if c.Scale != 0 {
		r.adamw.Scaler = r.scaler(sc)
	}
	pixels := make([]float32, c.Shape[0]*c.Shape[1]*c.Shape[2]*c.Shape[3])
	formula.Uniform("input", float32(math.Sqrt(3)), 0, pixels)
	x, y := sc.FromFloat32(pixels, c.Shape...), sc.FromFloat32(alternating(c.Shape[0]), c.Shape[0])
	n := c.Shape[0] / int64(c.Parts)
	for i := range int64(c.Parts) {
		r.images, r.labels = append(r.images, sc.Narrow(x, 0, i*n, n)), append(r.labels, sc.Narrow(y, 0, i*n, n))
	}
	sc.Seed(c.Seed)
	return r
}

func alternating(n int64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i % 2)
	}
	return v
}

func (r *ampRun) scaler(sc *torch.Scope) *Scaler {
	s, err := NewScaler(sc, torch.Place{}, r.Scale, torch.Scaling{Interval: r.Interval})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *ampRun) step(sc *torch.Scope) (s taken) {
	sc.Scoped(func(sc *torch.Scope) {
		s.loss = r.backward(sc)
		s.norm = item(r.t, r.adamw.Update(sc, r.Rate))
		s.scale = r.readScale(sc)
	})
	return s
}

// backward adds to the gradients, part by part, and returns the mean loss.
func (r *ampRun) backward(sc *torch.Scope) (loss float64) {
	for i := range r.images {
		var l *torch.Tensor
		sc.Autocast(r.dtype(), func() {
			l = sc.BCEWithLogits(r.model.ForwardMode(sc, r.images[i], nn.Training), r.labels[i])
			l = sc.MulScalar(l, 1/float64(r.Parts))
		})
		r.adamw.Backward(sc, l)
		loss += item(r.t, l)
	}
	return loss
}

func (r *ampRun) readScale(sc *torch.Scope) float64 {
	if r.adamw.Scaler == nil {
		return 1
	}
	scale, _, err := r.adamw.Scaler.Read(sc)
	if err != nil {
		r.t.Fatal(err)
	}
	return scale
}

func (r *ampRun) check(i int, got taken) {
	r.t.Helper()
	tolerance, want := 0.1, r.Steps[i]
	if r.moved {
		tolerance = 2
	}
	if !within(got.loss, want.Loss, tolerance) {
		r.t.Errorf("%s, %s: loss %d is %.9g, want %.9g", r.Model, r.Precision, i, got.loss, want.Loss)
	}
	if got.scale != want.Scale {
		r.t.Errorf("%s, %s: scale %g after step %d, want %g", r.Model, r.Precision, got.scale, i, want.Scale)
	}
	finite := !math.IsInf(got.norm, 0) && !math.IsNaN(got.norm)
	if finite != (want.Norm != nil) {
		r.t.Errorf("%s, %s: norm %d is %g, and should be finite: %v", r.Model, r.Precision, i, got.norm, want.Norm != nil)
	}
	if finite && want.Norm != nil && !within(got.norm, *want.Norm, tolerance) {
		r.t.Errorf("%s, %s: norm %d is %.9g, want %.9g", r.Model, r.Precision, i, got.norm, *want.Norm)
	}
	r.moved = r.moved || finite
}

// within says whether the larger of two numbers above 0 exceeds the other by that share
// of it at most.
func within(a, b, share float64) bool { return max(a, b) <= (1+share)*min(a, b) }
