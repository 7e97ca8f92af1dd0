package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// A goldenCase is what PyTorch has computed, see testdata/golden.py.
type goldenCase struct {
	Model             string
	Shape             []int64
	Seed              uint64
	Rate, Decay, Clip float64
	Losses, Norms     []float64
	Parameters        map[string][3]float64 // norms of weights and of both moments after the first step

	channelsLast bool    // images and weights
	slack        float64 // factor of tolerances
}

// Steps agree with PyTorch's: forward pass in training mode with the same masks,
// gradients, clipping, and fused AdamW.
func TestStepsOfPyTorch(t *testing.T) {
	for _, c := range goldenCases(t) {
		torchtest.Train(t, func(sc *torch.Scope) { checkSteps(t, sc, c) })
	}
}

// The order of values in memory changes no more than rounding does, and the optimiser
// takes weights of either order. Only first steps compare, and with a hundred times
// the tolerance: the kernels of the two orders round differently, and normalisation
// of few values makes more of it, 7e-5 here at most.
func TestChannelsLastOfPyTorch(t *testing.T) {
	for _, c := range goldenCases(t) {
		if c.Model == "resnet34" || c.Model == "vit_b_16" { // nothing new, slowly
			continue
		}
		c.Losses, c.channelsLast, c.slack = c.Losses[:1], true, 100
		torchtest.Train(t, func(sc *torch.Scope) { checkSteps(t, sc, c) })
	}
}

func goldenCases(t *testing.T) []goldenCase {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []goldenCase }
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	for i := range golden.Cases {
		golden.Cases[i].slack = 1
	}
	return golden.Cases
}

func checkSteps(t *testing.T, sc *torch.Scope, c goldenCase) {
	m, err := model.New(c.Model, int(c.Shape[1]))
	if err != nil {
		t.Fatal(err)
	}
	m.Params.ChannelsLast = c.channelsLast
	formula := nn.Formula{Seed: c.Seed}
	if err := m.Params.Load(sc, formula); err != nil {
		t.Fatal(err)
	}
	defer m.Params.Free()
	pixels := make([]float32, c.Shape[0]*c.Shape[1]*c.Shape[2]*c.Shape[3])
	formula.Uniform("input", float32(math.Sqrt(3)), 0, pixels)
	x := sc.FromFloat32(pixels, c.Shape...)
	if c.channelsLast {
		x = sc.ChannelsLast(x)
	}
	y := sc.FromFloat32(alternating(c.Shape[0]), c.Shape[0])
	o := NewAdamW(sc, m.Params, c.Decay, c.Clip)
	sc.Seed(c.Seed)
	for step := range c.Losses {
		loss := sc.BCEWithLogits(m.ForwardMode(sc, x, nn.Training), y)
		norm := o.Step(sc, loss, c.Rate)
		// AdamW's first steps are as long for tiny gradients as for large ones, so
		// rounding grows from step to step.
		tolerance := 2e-6 * c.slack * math.Pow(100, float64(step))
		if got := item(t, loss); !near(got, c.Losses[step], tolerance) {
			t.Errorf("%s, clip %g: loss %d is %.9g, want %.9g", c.Model, c.Clip, step, got, c.Losses[step])
		}
		if got := item(t, norm); !near(got, c.Norms[step], 10*tolerance) {
			t.Errorf("%s, clip %g: norm %d is %.9g, want %.9g", c.Model, c.Clip, step, got, c.Norms[step])
		}
		if step == 0 {
			checkParameters(t, m, o, c)
		}
	}
}

func checkParameters(t *testing.T, m *model.Model, o *AdamW, c goldenCase) {
	trained := m.Params.Trained()
	if len(trained) != len(c.Parameters) {
		t.Errorf("%s: %d parameters, want %d", c.Model, len(trained), len(c.Parameters))
	}
	largest := 0.0
	for _, want := range c.Parameters {
		largest = max(largest, want[1])
	}
	for i, p := range trained {
		want := c.Parameters[p.Name]
		got := [3]float64{size(t, p.T()), size(t, o.First[i]), size(t, o.Second[i])}
		if want[1] < 1e-6*largest { // its gradient is 0, but for rounding
			continue
		}
		// A bias of keys has no gradient but for rounding, in whose direction it is moved
		// as far as any other weight.
		if !near(got[0], want[0], 4e-6*c.slack) || !near(got[1], want[1], 1e-4*c.slack) || !near(got[2], want[2], 2e-4*c.slack) {
			t.Errorf("%s: %s and its moments have norms %.7g, want %.7g", c.Model, p.Name, got, want)
		}
	}
}

func near(got, want, relative float64) bool {
	return math.Abs(got-want) <= relative*math.Max(math.Abs(want), 1e-30)
}

// size is the norm of a tensor.
func size(t *testing.T, x *torch.Tensor) float64 {
	values := make([]float32, x.Numel())
	if err := x.CopyFloat32(values); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// Steps leave no tensor behind, in whatever precision. make slow makes it ten
// thousand, of which the second half must not grow the process either.
func TestStepsLeakNothing(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16, torch.Float16} {
		t.Run(dtype.String(), func(t *testing.T) { checkLeaks(t, dtype) })
	}
}

func checkLeaks(t *testing.T, dtype torch.DType) {
	steps := 1000
	if os.Getenv("LENSBENCH_SLOW") != "" {
		steps = 10_000
	}
	torchtest.Train(t, func(sc *torch.Scope) {
		m, err := model.New(model.Tiny, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Params.Load(sc, nn.Formula{Seed: 1}); err != nil {
			t.Fatal(err)
		}
		defer m.Params.Free()
		o := NewAdamW(sc, m.Params, DefaultDecay, DefaultClip)
		if dtype == torch.Float16 {
			o.Scaler = mustScaler(t, sc, 1<<40, torch.Scaling{Interval: 200}) // skips steps, and grows
		}
		x, y := sc.Randn(2, 1, 8, 8), sc.Ones(torch.Float32, 2)
		live, resident := int64(0), int64(0)
		for step := range steps {
			sc.Scoped(func(sc *torch.Scope) {
				var loss *torch.Tensor
				sc.Autocast(dtype, func() { loss = sc.BCEWithLogits(m.ForwardMode(sc, x, nn.Training), y) })
				o.Step(sc, loss, DefaultRate)
			})
			if step == steps/2-1 { // allocators and kernels have what they need
				live, resident = torch.LiveTensors(), residentBytes(t)
			}
		}
		if now := torch.LiveTensors(); now != live {
			t.Errorf("%d tensors, %d half-way", now, live)
		}
		// A tensor lost in each step would be its 200 bytes and 64 of memory at least. Go's
		// heap has its size only after some thousands.
		if grown, most := residentBytes(t)-resident, int64(1<<20); steps == 10_000 && grown > most {
			t.Errorf("the process has grown by %d bytes in %d steps, want at most %d", grown, steps/2, most)
		}
		t.Logf("%d steps: %d bytes more, %d tensors", steps, residentBytes(t)-resident, live)
	})
}

func residentBytes(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	var total, resident int64
	if _, err := fmt.Sscan(string(b), &total, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}

func item(t *testing.T, x *torch.Tensor) float64 {
	var v [1]float32
	if err := x.CopyFloat32(v[:]); err != nil {
		t.Fatal(err)
	}
	return float64(v[0])
}
