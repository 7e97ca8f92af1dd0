package worker

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/system/model"
	"lensbench/system/optim"
	"lensbench/system/survey"
	"lensbench/torch"
	"lensbench/verdict"
)

// blobs are images of noise, every second with a blob of that brightness in the middle,
// which is what the label says.
type blobs struct {
	n          int
	brightness float64
	seed       uint64
}

const blobPixels = 16

func (b blobs) Len() int                          { return b.n }
func (b blobs) Shape() (bands, height, width int) { return 1, blobPixels, blobPixels }
func (b blobs) Label(i int) int                   { return i % 2 }
func (b blobs) Name(int) string                   { return "a blob" }

func (b blobs) Read(i int, dst []float32) error {
	rng := rand.New(rand.NewPCG(b.seed, uint64(i)))
	for k := range dst {
		x, y := float64(k%blobPixels)-7.5, float64(k/blobPixels)-7.5
		dst[k] = float32(rng.NormFloat64() + float64(i%2)*b.brightness*math.Exp(-(x*x+y*y)/8))
	}
	return nil
}

// Labels of images that are shuffled, as by a loader that takes them from another batch.
type shuffled struct {
	survey.Images
	order []int
}

func (s shuffled) Label(i int) int { return s.Images.Label(s.order[i]) }

// tinyTraining is a training of the network tiny with short trainings on blobs.
func tinyTraining(t *testing.T, c protocol.Settings) *training {
	t.Helper()
	c.Kind, c.Model, c.Bands, c.Pixels, c.Threads = kindTrain, model.Tiny, 1, blobPixels, 1
	c.Batch, c.Images = max(c.Batch, 8), max(c.Images, 32)
	w, err := openRank(c, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close() })
	w.short = shortTraining{seeds: 5, epochs: 8, train: 128, held: 256, batch: 8, pixels: blobPixels}
	return w
}

// qualitiesOf returns the figures of the short training, a row for each measure.
func qualitiesOf(t *testing.T, w *training, train survey.Images) (rows [3][]float64) {
	t.Helper()
	var out outputs
	err := w.lane.Do(func(sc *torch.Scope) (err error) {
		out, err = w.qualities(sc, train, blobs{w.short.held, brightness, 2})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range out.values {
		rows[i/w.short.seeds] = append(rows[i/w.short.seeds], float64(v))
	}
	return rows
}

// brightness at which the short training learns something, but not everything.
const brightness = 2

func distances(t *testing.T, control, variant [3][]float64) (d [3]float64) {
	t.Helper()
	for i := range d {
		b, err := verdict.SeedBand(control[i], variant[i])
		if err != nil {
			t.Fatal(err)
		}
		d[i] = b.Distance()
	}
	return d
}

// What a training comes to is inside the band of the control whatever the batches that
// make its steps, and outside if labels are not the images'.
func TestFinalQuality(t *testing.T) {
	train := blobs{128, brightness, 1}
	control := qualitiesOf(t, tinyTraining(t, protocol.Settings{}), train)
	for i, v := range control[1] {
		if v < 0.7 || v == 1 || control[0][i] > 0.69 || control[2][i] != 0 {
			t.Fatalf("the control's figures are %v: no use for what follows", control)
		}
	}
	for name, c := range map[string]protocol.Settings{
		"accumulate": {Accumulate: 2},
		"loop":       {Optimizer: "loop"},
	} {
		if d := distances(t, control, qualitiesOf(t, tinyTraining(t, c), train)); d[0] > 1 || d[1] > 1 || d[2] != 0 {
			t.Errorf("%s is outside of the band: %v", name, d)
		}
	}
	wrong := shuffled{train, rand.New(rand.NewPCG(5, 6)).Perm(train.n)}
	if d := distances(t, control, qualitiesOf(t, tinyTraining(t, protocol.Settings{}), wrong)); d[0] <= 1 || d[1] <= 1 {
		t.Errorf("shuffled labels are inside of the band: %v", d)
	}
}

// Under a budget the short training goes through the same images: with a batch that stays
// it is the same to the bit, and with one that grows there are fewer steps, not fewer
// images.
func TestFinalQualityUnderABudget(t *testing.T) {
	train := blobs{128, brightness, 1}
	short := func(c protocol.Settings) *training {
		w := tinyTraining(t, c)
		w.short.seeds, w.short.epochs = 2, 2
		return w
	}
	steps := func(w *training) (n float32) {
		t.Helper()
		err := w.lane.Do(func(sc *torch.Scope) error {
			var v [1]float32
			defer func() { n = v[0] }()
			return w.stepper.AdamW.Steps[0].CopyFloat32(v[:])
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	plain, fixed, grows := short(protocol.Settings{}), short(protocol.Settings{Budget: 64}), short(protocol.Settings{Budget: 64, Adaptive: ruleDoubling})
	want := qualitiesOf(t, plain, train)
	if got := qualitiesOf(t, fixed, train); !reflect.DeepEqual(got, want) {
		t.Errorf("with a fixed batch %v, want %v", got, want)
	}
	if got := qualitiesOf(t, grows, train); !(got[0][0] > 0 && got[1][0] > 0) || got[2][0] != 0 {
		t.Errorf("with a batch that grows: %v", got)
	}
	// 128 images in batches of 8, twice; in 8, 16, and then 32, the setting images.
	if a, b, c := steps(plain), steps(fixed), steps(grows); a != 32 || b != 32 || c != 10 {
		t.Errorf("%v, %v and %v steps", a, b, c)
	}
}

// A network that computes no numbers any more has figures that no band has.
func TestFinalQualityOfNoNumbers(t *testing.T) {
	w := tinyTraining(t, protocol.Settings{})
	w.short.epochs, w.short.seeds = 1, 1
	w.stepper.AdamW.Decay = 1e38
	got := qualitiesOf(t, w, blobs{128, brightness, 1})
	if !math.IsNaN(got[0][0]) || !math.IsNaN(got[1][0]) || got[2][0] == 0 {
		t.Errorf("%v", got)
	}
}

// Steps without a finite norm are counted, and told apart from those that a scaler
// skips.
func TestHealth(t *testing.T) {
	sample := func(c protocol.Settings, spoil func(w *training)) map[string]protocol.Number {
		t.Helper()
		w := tinyTraining(t, c)
		spoil(w)
		if err := w.iterate(3, &clock{}); err != nil {
			t.Fatal(err)
		}
		extra, err := w.extra(1)
		if err != nil {
			t.Fatal(err)
		}
		return extra
	}
	sound := func(*training) {}
	lost := func(w *training) {
		w.initial[0][0] = float32(math.NaN())
		if err := w.rewind(); err != nil {
			t.Fatal(err)
		}
	}
	// Gradients of losses that are scaled so overflow, with back-off and all.
	overflow := func(w *training) {
		w.lane.Do(func(sc *torch.Scope) error {
			sc.Copy(w.stepper.AdamW.Scaler.Scale, sc.Full(torch.Float32, 1e38))
			return nil
		})
	}
	for _, c := range []struct {
		name, precision string
		spoil           func(w *training)
		want            string // nonfinite_norms skipped_steps; – is absent
	}{
		{"sound", "fp32", sound, "– –"},
		{"lost", "fp32", lost, "3 –"},
		{"sound", "bf16", sound, "0 –"},
		{"lost", "bf16", lost, "3 –"},
		{"overflow", "fp16", overflow, "0 3"},
	} {
		extra := sample(protocol.Settings{Precision: c.precision}, c.spoil)
		got := strings.Join([]string{numberOf(extra, "nonfinite_norms"), numberOf(extra, "skipped_steps")}, " ")
		if got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.name, c.precision, got, c.want)
		}
	}
}

func numberOf(extra map[string]protocol.Number, name string) string {
	v, ok := extra[name]
	if !ok {
		return "–"
	}
	b, _ := v.MarshalJSON()
	return string(b)
}

// The first steps move weights alike in the fused kernel and in the loop of operators,
// to half a step; another way to make them is found.
func TestWeights(t *testing.T) {
	const tolerance = 0.5 // as scenario fused-adamw has it
	weights := func(c protocol.Settings, spoil func(sc *torch.Scope, o *optim.AdamW)) []float32 {
		t.Helper()
		w := tinyTraining(t, c)
		var out outputs
		err := w.lane.Do(func(sc *torch.Scope) (err error) {
			w.restart(sc)
			spoil(sc, w.stepper.AdamW)
			out, err = w.weights(sc)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.values
	}
	asItIs := func(*torch.Scope, *optim.AdamW) {}
	loop := protocol.Settings{Optimizer: "loop"}
	fused := weights(protocol.Settings{}, asItIs)
	for name, c := range map[string]struct {
		got  []float32
		same bool
	}{
		"loop":         {weights(loop, asItIs), true},
		"other images": {weights(protocol.Settings{Seed: 1}, asItIs), false},
		"other decay":  {weights(loop, func(_ *torch.Scope, o *optim.AdamW) { o.Decay = 10 }), false},
		// As if moments that begin with 0 were not corrected.
		"no corrections": {weights(loop, func(sc *torch.Scope, o *optim.AdamW) {
			for _, s := range o.Steps {
				sc.Copy(s, sc.Full(torch.Float32, 1e5))
			}
		}), false},
	} {
		worst := 0.0
		for i := range fused {
			worst = max(worst, math.Abs(float64(c.got[i]-fused[i]))/max(1, math.Abs(float64(fused[i]))))
		}
		if (worst <= tolerance) != c.same {
			t.Errorf("%s: movements of weights differ by %g, the tolerance is %g", name, worst, tolerance)
		}
		t.Logf("%s: %.3g", name, worst)
	}
}
