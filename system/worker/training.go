package worker

import (
	"lensbench/protocol"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/torch"
)

// checkedSteps is the number of steps whose losses are the outputs of training.
const checkedSteps = 3

// A training is one network that is trained on one batch of images in memory,
// every second of them a lens. One iteration is one step.
type training struct {
	alone
	lane    *nn.Lane
	model   *model.Model
	adamw   *optim.AdamW
	batch   int
	pixels  int
	seed    uint64
	images  *torch.Tensor   // [batch bands pixels pixels]
	labels  *torch.Tensor   // [batch]
	initial []*torch.Tensor // values of all parameters before the first step
}

func openTraining(c protocol.Settings) (work, error) {
	if c.Layout == "channels-last" {
		return nil, refuse(protocol.Unsupported, "layout: lens trains in contiguous order alone")
	}
	m, err := model.New(c.Model, c.Bands)
	if err != nil {
		return nil, err
	}
	if err := m.CheckSize(c.Pixels, c.Pixels); err != nil {
		return nil, refuse(protocol.Unsupported, "%v", err)
	}
	lane, err := nn.OpenLane(torch.Session{Threads: c.Threads})
	if err != nil {
		return nil, err
	}
	w := &training{lane: lane, model: m, batch: c.Batch, pixels: c.Pixels, seed: uint64(c.Seed)}
	if err := lane.Do(w.load); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// load makes the tensors, which stay until the lane is closed.
func (w *training) load(sc *torch.Scope) error {
	formula := nn.Formula{Seed: w.seed}
	if err := w.model.Params.Load(sc, formula); err != nil {
		return err
	}
	w.images = sc.Keep(images(sc, formula, w.batch, w.model.Bands, w.pixels))
	w.labels = sc.Keep(sc.FromFloat32(alternating(w.batch), int64(w.batch)))
	for _, t := range w.tensors() {
		w.initial = append(w.initial, sc.Keep(sc.Clone(t)))
	}
	w.adamw = optim.NewAdamW(sc, w.model.Params, optim.DefaultDecay, optim.DefaultClip)
	for _, list := range w.state() {
		for _, t := range list {
			sc.Keep(t)
		}
	}
	return nil
}

// alternating returns 0, 1, 0, 1, …
func alternating(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i % 2)
	}
	return v
}

// tensors are those of all parameters.
func (w *training) tensors() (out []*torch.Tensor) {
	for _, p := range w.model.Params.All() {
		if !p.Counter {
			out = append(out, p.T())
		}
	}
	return out
}

// state is that of the optimiser.
func (w *training) state() [][]*torch.Tensor {
	return [][]*torch.Tensor{w.adamw.First, w.adamw.Second, w.adamw.Steps}
}

func (w *training) facts() protocol.Facts {
	return protocol.Facts{
		Parameters:        w.model.Params.Trainable(),
		WeightBytes:       w.model.Params.Bytes(),
		FLOPPerItem:       3 * w.model.Cost(w.pixels).FLOP(), // backward, each product has two gradients
		ItemsPerIteration: w.batch,
		Threads:           w.lane.Threads(),
	}
}

// rewind goes back to the first weights, the first state of the optimiser, and
// the seed of the random numbers: on one batch, a loss would vanish otherwise.
func (w *training) rewind() error {
	return w.lane.Do(func(sc *torch.Scope) error {
		sc.Seed(w.seed)
		sc.NoGrad(func() {
			for i, t := range w.tensors() {
				sc.Copy(t, w.initial[i])
			}
			for _, list := range w.state() {
				for _, t := range list {
					sc.Zero(t)
				}
			}
		})
		return nil
	})
}

func (w *training) iterate(n int, c *clock) error {
	return w.lane.Do(func(sc *torch.Scope) error {
		c.start()
		for range n {
			w.step(sc).Free()
			c.lap()
		}
		return nil
	})
}

// step makes one step and returns its loss.
func (w *training) step(sc *torch.Scope) (loss *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		var recorded *torch.Tensor
		sc.InPhase(torch.PhaseForward, func() {
			recorded = sc.BCEWithLogits(w.model.ForwardMode(sc, w.images, nn.Training), w.labels)
		})
		loss = sc.Keep(sc.Detach(recorded))
		w.adamw.Step(sc, recorded, optim.DefaultRate)
	})
	return loss
}

// outputs are the losses of the first steps.
func (w *training) outputs() ([]int, []float32, error) {
	if err := w.rewind(); err != nil {
		return nil, nil, err
	}
	losses := make([]float32, checkedSteps)
	err := w.lane.Do(func(sc *torch.Scope) error {
		var steps []*torch.Tensor
		for range checkedSteps {
			steps = append(steps, w.step(sc))
		}
		return sc.Stack(steps, 0).CopyFloat32(losses)
	})
	return []int{checkedSteps}, losses, err
}

func (w *training) close() error {
	w.model.Params.Free()
	return w.lane.Close()
}
