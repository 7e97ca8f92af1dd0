package step

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// child names what a process of its own does instead of tests.
const child = "STEP_TEST_CHILD"

func TestMain(m *testing.M) {
	if name := os.Getenv(child); name != "" {
		os.Exit(inChild(name))
	}
	torchtest.Main(m)
}

// statistics that do not depend on the batch, and no masks: what BatchNorm and
// dropout do to a batch is another thing in parts.
var frozen = nn.Mode{}

// A fixture is a network with a batch.
type fixture struct {
	*Stepper
	images, labels *torch.Tensor
	seed           uint64
}

func newFixture(t testing.TB, sc *torch.Scope, name string, pixels, batch int, s Settings) *fixture {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	m, err := model.New(name, 3)
	if err != nil {
		t.Fatal(err)
	}
	formula := nn.Formula{Seed: 3, Scrambled: true}
	stepper, err := New(sc, m, formula, s, Options{Input: pixels, Decay: 1e-4, Clip: 1})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, batch*3*pixels*pixels)
	formula.Uniform("images", 1.7, 0, values)
	labels := make([]float32, batch)
	for i := range labels {
		labels[i] = float32(i % 2)
	}
	p := int64(pixels)
	return &fixture{stepper, sc.FromFloat32(values, int64(batch), 3, p, p), sc.FromFloat32(labels, int64(batch)), 3}
}

func (f *fixture) free() { f.Model.Params.Free() }

// gradients adds micro-batches of that size, each by its share, and returns all
// gradients and the loss.
func (f *fixture) gradients(t testing.TB, sc *torch.Scope, size int, share func(images int) float64) (grads [][]float32, loss float64) {
	t.Helper()
	n := int(f.labels.Numel())
	for from := 0; from < n; from += size {
		k := min(size, n-from)
		sc.Scoped(func(sc *torch.Scope) {
			x, y := sc.Narrow(f.images, 0, int64(from), int64(k)), sc.Narrow(f.labels, 0, int64(from), int64(k))
			var v [1]float32
			if err := f.Add(sc, x, y, share(k)).CopyFloat32(v[:]); err != nil {
				t.Fatal(err)
			}
			loss += float64(v[0])
		})
	}
	for _, g := range sc.Grads(f.AdamW.Weights) {
		v := make([]float32, g.Numel())
		if err := g.CopyFloat32(v); err != nil {
			t.Fatal(err)
		}
		grads = append(grads, v)
	}
	sc.ZeroGrads(f.AdamW.Weights)
	return grads, loss
}

// apart is the largest difference of two sets of gradients, in units of the largest
// gradient.
func apart(a, b [][]float32) float64 {
	most, largest := 0.0, 0.0
	for i := range a {
		for k := range a[i] {
			most = max(most, math.Abs(float64(a[i][k])-float64(b[i][k])))
			largest = max(largest, math.Abs(float64(a[i][k])))
		}
	}
	return most / largest
}

func ofBatch(n int) func(int) float64 { return func(k int) float64 { return float64(k) / float64(n) } }

// The gradient of a step does not depend on the number of its micro-batches, whole or
// not. The same check finds a loss that is not normalised, and a tail that is skipped.
func TestAccumulation(t *testing.T) {
	for _, name := range []string{model.Tiny, "light_transformer"} {
		torchtest.Train(t, func(sc *torch.Scope) {
			f := newFixture(t, sc, name, 32, 10, Settings{})
			defer f.free()
			f.Mode = frozen
			whole, loss := f.gradients(t, sc, 10, ofBatch(10))
			for _, size := range []int{5, 4, 3, 1} {
				parts, sum := f.gradients(t, sc, size, ofBatch(10))
				if d := apart(whole, parts); d > 5e-6 || math.Abs(sum-loss) > 1e-6 {
					t.Errorf("%s in parts of %d: gradients differ by %.2g, the loss is %.8g, not %.8g", name, size, d, sum, loss)
				}
			}
			if d := apart(whole, first(f.gradients(t, sc, 5, func(int) float64 { return 1 }))); d < 0.5 {
				t.Errorf("%s: a loss that is not normalised goes unnoticed: %.2g", name, d)
			}
			skipped := func(k int) float64 { return float64(k/4) * 4 / 10 } // the last, of 2, is lost
			if d := apart(whole, first(f.gradients(t, sc, 4, skipped))); d < 1e-3 {
				t.Errorf("%s: a tail that is skipped goes unnoticed: %.2g", name, d)
			}
		})
	}
}

func first[A, B any](a A, _ B) A { return a }

// All ways to go back from several scales have the same gradients, in any order of the
// scales: the first may be one that is split.
func TestScaleModes(t *testing.T) {
	for _, c := range []struct {
		name   string
		scales []int
	}{{model.Tiny, []int{32, 48, 64}}, {model.Tiny, []int{64, 48, 32}}, {"resnet18", []int{32, 48, 64}}, {"light_transformer", []int{64, 32, 48}}} {
		torchtest.Train(t, func(sc *torch.Scope) {
			name, multi := c.name, Multi{Scales: c.scales, Consistency: 0.1}
			f := newFixture(t, sc, name, 64, 4, Settings{Multi: multi})
			defer f.free()
			f.Mode = frozen
			whole, loss := f.gradients(t, sc, 4, ofBatch(4))
			for _, change := range []func(m *Multi){
				func(m *Multi) { m.Mode = PerScale },
				func(m *Multi) {
					m.Mode, m.Budget = Grouped, 4*(f.Model.ActivationBytes(32)+f.Model.ActivationBytes(48))
				},
				func(m *Multi) { m.Mode, m.Split = PerScale, true },
				func(m *Multi) { m.Split = true },
			} {
				f.Settings.Multi = multi
				change(&f.Settings.Multi)
				parts, sum := f.gradients(t, sc, 4, ofBatch(4))
				if d := apart(whole, parts); d > 3e-6 || math.Abs(sum-loss) > 1e-6*loss {
					t.Errorf("%s, %+v: gradients differ by %.2g, the loss is %.8g, not %.8g", name, f.Settings.Multi, d, sum, loss)
				}
			}
			f.Settings.Multi = multi
			f.Settings.Multi.Consistency = 0
			if d := apart(whole, first(f.gradients(t, sc, 4, ofBatch(4)))); d < 1e-4 {
				t.Errorf("%s: a consistency term that is forgotten goes unnoticed: %.2g", name, d)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	m, err := model.New("resnet18", 3)
	if err != nil {
		t.Fatal(err)
	}
	bytes := func(side int) int64 { return 32 * m.ActivationBytes(side) }
	for _, c := range []struct {
		name string
		m    Multi
		want string
	}{
		{"summed", Multi{}, "64+112+224"},
		{"one by one", Multi{Mode: PerScale}, "64 112 224"},
		{"two fit", Multi{Mode: Grouped, Budget: bytes(64) + bytes(112)}, "64+112 224"},
		{"none fits with another", Multi{Mode: Grouped, Budget: bytes(64)}, "64 112 224"},
		{"all fit", Multi{Mode: Grouped, Budget: bytes(64) + bytes(112) + bytes(224)}, "64+112+224"},
		{"one after another in training", Multi{Mode: Progressive}, "112"},
		{"split", Multi{Split: true}, "64 112[0:10] 112[10:20] 112[20:30] 112[30:32] 224[0:2] …"},
		{"largest first", Multi{Mode: Grouped, Budget: bytes(64) + bytes(112), Scales: []int{224, 112, 64}}, "224 112+64"},
		{"split by the smallest", Multi{Split: true, Scales: []int{112, 64}}, "112[0:10] 112[10:20] 112[20:30] 112[30:32]+64"},
	} {
		if c.m.Scales == nil {
			c.m.Scales = []int{64, 112, 224}
		}
		s := &Stepper{Model: m, Stage: 1, Settings: Settings{Multi: c.m}}
		if got := describe(s.groups(32), 32); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		total := 0.0
		for _, g := range s.groups(32) {
			for _, p := range g {
				total += p.weight
			}
		}
		if math.Abs(total-1) > 1e-12 {
			t.Errorf("%s: weights sum to %g", c.name, total)
		}
	}
}

func describe(groups [][]piece, n int) string {
	var words []string
	for _, g := range groups {
		var sides []string
		for _, p := range g {
			text := fmt.Sprint(p.side)
			if p.from != 0 || p.to != n {
				text += fmt.Sprintf("[%d:%d]", p.from, p.to)
			}
			sides = append(sides, text)
		}
		words = append(words, strings.Join(sides, "+"))
	}
	if len(words) > 6 {
		words = append(words[:6], "…")
	}
	return strings.Join(words, " ")
}

// Activations that are computed again, in any policy, and at the largest scale alone,
// change no gradient; nor do channels last.
func TestCheckpointing(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		f := newFixture(t, sc, model.Tiny, 32, 6, Settings{})
		defer f.free()
		for _, multi := range []Multi{{}, {Scales: []int{32, 64}}} {
			f.Settings = Settings{Multi: multi}
			gradients := func() [][]float32 {
				sc.Seed(5)
				return first(f.gradients(t, sc, 6, ofBatch(6)))
			}
			whole := gradients()
			for _, s := range []Settings{
				{Checkpointing: "block"}, {Checkpointing: "stage"}, {Checkpointing: "every-2"}, {Multi: Multi{Checkpointing: "block"}},
			} {
				if len(multi.Scales) == 0 && s.Checkpointing == "" {
					continue
				}
				s.Multi.Scales = multi.Scales
				f.Settings = s
				if d := apart(whole, gradients()); d != 0 {
					t.Errorf("%+v: gradients differ by %.2g", s, d)
				}
			}
		}
	})
}

// The consistency term is the divergence of two Bernoulli distributions: never
// negative, 0 where they are equal, and one image's is its own.
func TestBernoulliKL(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		value := func(a, b []float64) float64 {
			var v [1]float32
			if err := bernoulliKL(sc, sc.To(sc.FromFloat64(a, int64(len(a))), torch.Float32), sc.To(sc.FromFloat64(b, int64(len(b))), torch.Float32)).CopyFloat32(v[:]); err != nil {
				t.Fatal(err)
			}
			return float64(v[0])
		}
		sigma := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
		kl := func(a, b float64) float64 {
			p, q := sigma(a), sigma(b)
			return p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q))
		}
		for _, c := range [][2]float64{{0, 0}, {2, 2}, {1, -1}, {-3, 2}, {4, 0.5}} {
			if got, want := value([]float64{c[0]}, []float64{c[1]}), kl(c[0], c[1]); math.Abs(got-want) > 1e-6 {
				t.Errorf("KL of logits %v is %g, want %g", c, got, want)
			}
		}
		got, want := value([]float64{1, -3}, []float64{-1, 2}), (kl(1, -1)+kl(-3, 2))/2
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("of two images it is %g, want %g: a softmax over the batch is none", got, want)
		}
	})
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		s    Settings
		want string
	}{
		{Settings{}, ""},
		{Settings{Precision: BF16, Accumulate: 4, Multi: Multi{Scales: []int{64, 112}, Mode: Grouped, Budget: 1}}, ""},
		{Settings{Precision: "bf61"}, `precision "bf61"; want one of fp32, bf16, fp16; did you mean "bf16"?`},
		{Settings{Optimizer: Loop}, ""},
		{Settings{Optimizer: "lop"}, `optimizer "lop"; want one of fused, loop; did you mean "loop"?`},
		{Settings{Optimizer: Loop, Precision: FP16}, "optimizer loop with precision fp16; a step whose scaled gradients overflow"},
		{Settings{Checkpointing: "blok"}, `did you mean "block"?`},
		{Settings{Multi: Multi{Scales: []int{64, 112}, Checkpointing: "every-0"}}, `did you mean "every-2"?`},
		{Settings{Accumulate: -1}, "accumulate -1; want 1 to 65536"},
		{Settings{Multi: Multi{Scales: []int{64}}}, "want two or more"},
		{Settings{Multi: Multi{Scales: []int{64, 64}}}, "scale 64; want different sides"},
		{Settings{Multi: Multi{Scales: []int{64, 4}}}, "scale 4; want different sides from 8"},
		{Settings{Multi: Multi{Mode: PerScale}}, "without scales"},
		{Settings{Multi: Multi{Scales: []int{64, 112}, Mode: Grouped}}, "without a budget"},
		{Settings{Multi: Multi{Scales: []int{64, 112}, Budget: 5}}, "a budget is for mode grouped"},
		{Settings{Multi: Multi{Scales: []int{64, 112}, Mode: "per-scales"}}, `did you mean "per-scale"?`},
		{Settings{Multi: Multi{Scales: []int{64, 112}, Consistency: math.NaN()}}, "consistency NaN"},
	} {
		err := c.s.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.s, err, c.want)
		}
	}
}

// What models say of their activations is near the exact count.
func TestActivationBytes(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"=activations")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func inChild(string) int {
	if err := torch.CountMemory(); err != nil {
		fmt.Println(err)
		return 1
	}
	err := torch.Session{Threads: 1}.Run(func(sc *torch.Scope) (err error) {
		for _, c := range []struct {
			name   string
			pixels int
		}{{"resnet18", 64}, {"resnet18", 112}, {"resnet34", 64}, {"light_transformer", 112}, {"vit_b_16", 224}} {
			sc.Scoped(func(sc *torch.Scope) { err = errors.Join(err, activations(sc, c.name, c.pixels)) })
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func activations(sc *torch.Scope, name string, pixels int) error {
	const batch, allowed = 4, 0.15
	m, err := model.New(name, 3)
	if err != nil {
		return err
	}
	if err := m.Params.Load(sc, nn.Formula{Seed: 1}); err != nil {
		return err
	}
	defer m.Params.Free()
	m.Params.RequireGrads(true)
	x := sc.Randn(batch, 3, int64(pixels), int64(pixels))
	before, _ := torch.Memory()
	m.ForwardMode(sc, x, nn.Training)
	after, _ := torch.Memory()
	exact, estimate := float64(after-before), float64(batch*m.ActivationBytes(pixels))
	if ratio := estimate / exact; math.Abs(ratio-1) > allowed {
		return fmt.Errorf("%s at %d pixels: %.0f bytes are kept, the estimate is %.2f of that", name, pixels, exact, ratio)
	}
	return nil
}
