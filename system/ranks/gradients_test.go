package ranks

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/torch"
)

// batch is the number of images of a rank.
const batch = 4

// A tiny is a small network and images for every rank.
type tiny struct {
	model     *model.Model
	gradients *Gradients // nil: it works alone
	mode      nn.Mode
	images    *torch.Tensor // of all ranks
	labels    *torch.Tensor
}

// newTiny makes a network with weights of that seed, which in a team become those
// of rank 0. Without a team it has images for 2 ranks.
func newTiny(t *Team, sc *torch.Scope, seed uint64) (*tiny, error) {
	m, err := model.New(model.Tiny, 1)
	if err != nil {
		return nil, err
	}
	if err := m.Params.Load(sc, nn.Formula{Seed: seed}); err != nil {
		return nil, err
	}
	n := &tiny{model: m}
	world := 2
	if t != nil {
		world = t.World
	}
	pixels, labels := make([]float32, world*batch*16*16), make([]float32, world*batch)
	nn.Formula{Seed: 9}.Uniform("images", 2, 0, pixels)
	for i := range labels {
		labels[i] = float32(i % 2)
	}
	n.images = sc.FromFloat32(pixels, int64(world*batch), 1, 16, 16)
	n.labels = sc.FromFloat32(labels, int64(world*batch))
	if t == nil {
		m.Params.RequireGrads(true)
		return n, nil
	}
	n.gradients, err = NewGradients(t, m.Params, torch.ReducerConfig{Views: os.Getenv("VIEWS") != ""})
	return n, err
}

func (n *tiny) free() {
	if n.gradients != nil {
		n.gradients.Free()
	}
	n.model.Params.Free()
}

// loss is the mean loss of count images.
func (n *tiny) loss(sc *torch.Scope, first, count int) *torch.Tensor {
	x := sc.Narrow(n.images, 0, int64(first), int64(count))
	return sc.BCEWithLogits(n.model.ForwardMode(sc, x, n.mode), sc.Narrow(n.labels, 0, int64(first), int64(count)))
}

func (n *tiny) weights() (out []*torch.Tensor) {
	for _, p := range n.model.Params.Trained() {
		out = append(out, p.T())
	}
	return out
}

// take returns the gradients and removes them.
func (n *tiny) take(sc *torch.Scope) (all []float32) {
	for _, g := range sc.Grads(n.weights()) {
		v := make([]float32, g.Numel())
		if err := g.CopyFloat32(v); err != nil {
			panic(err)
		}
		all = append(all, v...)
	}
	sc.ZeroGrads(n.weights())
	return all
}

// alike returns an error if gradients differ by more than rounding: 1e-6 of the
// largest. The sums have other orders in one process.
func alike(got, want []float32) error {
	largest, difference := 0.0, 0.0
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		difference = max(difference, math.Abs(float64(got[i]-want[i])))
	}
	if largest == 0 || difference > 1e-6*largest {
		return fmt.Errorf("gradients differ by %g of at most %g", difference, largest)
	}
	return nil
}

func init() {
	children["gradients"] = asRank(func(t *Team, sc *torch.Scope) error {
		if os.Getenv("SABOTAGE") != "" {
			return own(t, sc)
		}
		return means(t, sc)
	})
	children["buffers"] = asRank(buffers)
	children["overflow"] = asRank(overflow)
}

// reference returns what one process computes of all images.
func reference(sc *torch.Scope) ([]float32, error) {
	one, err := newTiny(nil, sc, 1)
	if err != nil {
		return nil, err
	}
	defer one.free()
	sc.Backward(one.loss(sc, 0, 2*batch))
	return one.take(sc), nil
}

// means checks that gradients are those of one process, in passes over the whole
// batch and in accumulated ones.
func means(t *Team, sc *torch.Scope) error {
	want, err := reference(sc)
	if err != nil {
		return err
	}
	n, err := newTiny(t, sc, uint64(1+t.Rank)) // other weights, but for rank 0
	if err != nil {
		return err
	}
	defer n.free()
	for step := range 3 {
		if err := n.accumulate(sc, t.Rank, 1+step%2); err != nil {
			return err
		}
		if err := alike(n.take(sc), want); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
	}
	return nil
}

// accumulate makes the passes of one step.
func (n *tiny) accumulate(sc *torch.Scope, rank, passes int) error {
	each := batch / passes
	for i := range passes {
		if err := n.gradients.Forward(i == passes-1); err != nil {
			return err
		}
		loss := sc.MulScalar(n.loss(sc, rank*batch+i*each, each), 1/float64(passes))
		if err := n.gradients.Backward(); err != nil {
			return err
		}
		sc.Backward(loss)
	}
	return nil
}

// own leaves the gradients of this rank's images alone.
func own(t *Team, sc *torch.Scope) error {
	want, err := reference(sc)
	if err != nil {
		return err
	}
	n, err := newTiny(t, sc, 1)
	if err != nil {
		return err
	}
	defer n.free()
	sc.Backward(n.loss(sc, t.Rank*batch, batch))
	return alike(n.take(sc), want)
}

func TestGradientsAreThoseOfOneProcess(t *testing.T) {
	succeeds(t, "gradients", 2)
	succeeds(t, "gradients", 2, "VIEWS=1")
	if out, err := runs(t, "gradients", 2, "SABOTAGE=1"); err == nil || !strings.Contains(err.Error(), "gradients differ by") {
		t.Errorf("without reduction: %v, want gradients that differ\n%s", err, out)
	}
}

// buffers checks that running statistics are those of a rank's own images after a
// pass, and those of rank 0 before the next step.
func buffers(t *Team, sc *torch.Scope) error {
	n, err := newTiny(t, sc, uint64(1+t.Rank))
	if err != nil {
		return err
	}
	defer n.free()
	n.mode = nn.Training
	for step := range 2 {
		if err := n.accumulate(sc, t.Rank, 2); err != nil {
			return err
		}
		n.take(sc)
		before, err := n.statistics(t, sc)
		if err != nil {
			return err
		}
		if err := n.gradients.Share(); err != nil {
			return err
		}
		after, err := n.statistics(t, sc)
		if err != nil {
			return err
		}
		if slices.Equal(before[0], before[1]) || !slices.Equal(before[0], after[0]) || !slices.Equal(after[0], after[1]) {
			return fmt.Errorf("step %d: statistics %v, then %v", step, before, after)
		}
	}
	for _, p := range n.model.Params.All() {
		if p.Counter && p.Count() != 4 {
			return fmt.Errorf("%s is %d, want 4", p.Name, p.Count())
		}
	}
	return nil
}

// statistics returns a running mean of every rank.
func (n *tiny) statistics(t *Team, sc *torch.Scope) ([][]float64, error) {
	for _, p := range n.model.Params.All() {
		if strings.HasSuffix(p.Name, "running_mean") {
			v := make([]float32, p.Len())
			if err := p.T().CopyFloat32(v); err != nil {
				return nil, err
			}
			var wide []float64
			for _, x := range v {
				wide = append(wide, float64(x))
			}
			return t.Gather(sc, wide)
		}
	}
	return nil, errors.New("no running mean")
}

func TestBuffersAreThoseOfRank0(t *testing.T) { succeeds(t, "buffers", 2) }

// overflow makes three steps with a scaler. In the second an image of the last rank
// alone is infinite: all ranks skip that step, halve the scale, and make the others.
func overflow(t *Team, sc *torch.Scope) error {
	n, err := newTiny(t, sc, 1)
	if err != nil {
		return err
	}
	defer n.free()
	adamw := optim.NewAdamW(sc, n.model.Params, optim.DefaultDecay, optim.DefaultClip)
	if adamw.Scaler, err = optim.NewScaler(sc, torch.Place{}, 1024, torch.Scaling{}); err != nil {
		return err
	}
	finite := n.images
	infinite := make([]float32, finite.Numel())
	if err := finite.CopyFloat32(infinite); err != nil {
		return err
	}
	infinite[len(infinite)-1] = float32(math.Inf(1))
	weights := n.firstWeights()
	for step, images := range []*torch.Tensor{finite, sc.FromFloat32(infinite, finite.Shape()...), finite} {
		n.images = images
		if err := n.scaledStep(sc, t.Rank, adamw); err != nil {
			return err
		}
		skipped := 0
		if step > 0 {
			skipped = 1
		}
		scale, got, err := adamw.Scaler.Read(sc)
		if err != nil {
			return err
		}
		if want := 1024 / float64(1+skipped); got != skipped || scale != want {
			return fmt.Errorf("step %d: %d skipped, scale %g; want %d and %g", step, got, scale, skipped, want)
		}
		after := n.firstWeights()
		if moved := !slices.Equal(after, weights); moved == (step == 1) {
			return fmt.Errorf("step %d: weights have moved: %v", step, moved)
		}
		weights = after
	}
	all, err := t.Gather(sc, weights)
	if err == nil && !slices.Equal(all[0], all[t.Rank]) {
		err = errors.New("weights are not those of rank 0")
	}
	return err
}

// scaledStep is a step of this rank's images, reduced unless the test leaves that out.
func (n *tiny) scaledStep(sc *torch.Scope, rank int, adamw *optim.AdamW) error {
	exchange := os.Getenv("SABOTAGE") == ""
	if exchange {
		if err := n.gradients.Forward(true); err != nil {
			return err
		}
	}
	loss := n.loss(sc, rank*batch, batch)
	if exchange {
		if err := n.gradients.Backward(); err != nil {
			return err
		}
	}
	adamw.Step(sc, loss, optim.DefaultRate)
	return nil
}

// firstWeights are the values of the first trained parameter.
func (n *tiny) firstWeights() (wide []float64) {
	w := n.weights()[0]
	v := make([]float32, w.Numel())
	if err := w.CopyFloat32(v); err != nil {
		panic(err)
	}
	for _, x := range v {
		wide = append(wide, float64(x))
	}
	return wide
}

func TestAllRanksSkipAStepThatOneHasOverflowed(t *testing.T) {
	succeeds(t, "overflow", 2)
	if out, err := runs(t, "overflow", 2, "SABOTAGE=1"); err == nil || !strings.Contains(err.Error(), "step 1: 0 skipped") {
		t.Errorf("without exchange: %v, want a rank that makes the step\n%s", err, out)
	}
}
