package train

import (
	"fmt"

	"lensbench/system/loader"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/ranks"
	"lensbench/system/safetensors"
	"lensbench/system/step"
	"lensbench/system/trained"
	"lensbench/torch"
)

// An engine is what steps change: weights, the optimiser's moments, and the
// random number generator of the process. It belongs to a session.
type engine struct {
	sc       *torch.Scope
	at       torch.Place // of weights and images
	settings *Settings
	pixels   int // side of an image
	*step.Stepper
	tracer    *tracer          // nil: no trace
	gradients *ranks.Gradients // nil: there are no other ranks
}

// newEngine makes an engine at a place that begins with weights from src.
func newEngine(sc *torch.Scope, at torch.Place, m *model.Model, s *Settings, pixels int, src nn.Source) (*engine, error) {
	stepper, err := step.New(sc, m, src, s.Step, step.Options{Input: s.Input, Decay: s.Decay, Clip: s.Clip, Place: at})
	if err != nil {
		return nil, err
	}
	sc.Seed(s.Seed)
	return &engine{sc: sc, at: at, settings: s, pixels: pixels, Stepper: stepper}, nil
}

// A result is what a training step leaves: numbers that are still tensors, because
// to read one is to wait for the device.
type result struct {
	images     int
	loss, norm *torch.Tensor
}

// add adds the gradients of a micro-batch that has this share of the step's images.
func (e *engine) add(r *result, b *loader.Batch, share float64) {
	r.images += len(b.Labels)
	e.sc.Scoped(func(sc *torch.Scope) {
		x, y := e.inputs(sc, b)
		loss := e.Add(sc, x, y, share)
		if r.loss != nil {
			loss = sc.Add(r.loss, loss)
			r.loss.Free()
		}
		r.loss = sc.Keep(loss)
	})
}

// update ends a step, the one that the run is at with it.
func (e *engine) update(r *result, rate float64, at Place) (err error) {
	e.sc.Scoped(func(sc *torch.Scope) {
		if err = e.tracer.gradients(sc); err != nil {
			return
		}
		r.norm = sc.Keep(e.Update(sc, rate))
		err = e.tracer.step(at, r.loss)
	})
	return err
}

// inputs makes tensors of a batch, where the weights are.
func (e *engine) inputs(sc *torch.Scope, b *loader.Batch) (x, y *torch.Tensor) {
	n := int64(len(b.Labels))
	x = sc.Upload(e.at, b.Pixels, n, int64(e.Model.Bands), int64(e.pixels), int64(e.pixels))
	return x, sc.Upload(e.at, b.Labels, n)
}

// read reads the losses and norms of steps, once for all of them.
func (e *engine) read(steps []result) (losses, norms []float32, err error) {
	n := len(steps)
	both := make([]*torch.Tensor, 2*n)
	for i, s := range steps {
		both[i], both[n+i] = s.loss, s.norm
	}
	values := make([]float32, 2*n)
	e.sc.Scoped(func(sc *torch.Scope) {
		err = sc.Stack(both, 0).CopyFloat32(values)
	})
	for _, t := range both {
		t.Free()
	}
	return values[:n], values[n:], err
}

// score appends the logits of a batch.
func (e *engine) score(b *loader.Batch, logits []float64) ([]float64, error) {
	values := make([]float32, len(b.Labels))
	var err error
	e.sc.InferenceMode(func() {
		e.sc.Scoped(func(sc *torch.Scope) {
			x, _ := e.inputs(sc, b)
			err = e.Model.Forward(sc, trained.Resize(sc, x, e.settings.Input)).CopyFloat32(values)
		})
	})
	for _, v := range values {
		logits = append(logits, float64(v))
	}
	return logits, err
}

// tensors are all that a checkpoint has to hold.
func (e *engine) tensors() []safetensors.Source {
	out := e.Model.Params.Tensors()
	for i, p := range e.Model.Params.Trained() {
		out = append(out,
			floats(momentName(firstKey, p.Name), p.Shape, e.AdamW.First[i]),
			floats(momentName(secondKey, p.Name), p.Shape, e.AdamW.Second[i]))
	}
	state := e.sc.RandomState(e.at)
	return append(out, floats(stepName, nil, e.AdamW.Steps[0]),
		safetensors.Source{Name: rngName, DType: safetensors.U8, Shape: []int{len(state)}, Bytes: state})
}

func floats(name string, shape []int, t *torch.Tensor) safetensors.Source {
	return safetensors.Source{Name: name, DType: safetensors.F32, Shape: shape, Float: t.CopyFloat32}
}

// restore sets moments and generator to those of a checkpoint; weights came with
// newEngine.
func (e *engine) restore(c *checkpoint) error {
	var buf []float32
	fill := func(name string, t *torch.Tensor) error {
		n := int(t.Numel())
		if cap(buf) < n {
			buf = make([]float32, n)
		}
		if err := c.ReadFloat32(name, buf[:n]); err != nil {
			return err
		}
		e.sc.CopyFrom(t, buf[:n])
		return nil
	}
	for i, p := range e.Model.Params.Trained() {
		if err := fill(momentName(firstKey, p.Name), e.AdamW.First[i]); err != nil {
			return err
		}
		if err := fill(momentName(secondKey, p.Name), e.AdamW.Second[i]); err != nil {
			return err
		}
		if err := fill(stepName, e.AdamW.Steps[i]); err != nil {
			return err
		}
	}
	if e.AdamW.Scaler != nil && c.State.Scaler != nil {
		e.AdamW.Scaler.Restore(e.sc, *c.State.Scaler)
	}
	info, ok := c.Lookup(rngName)
	if !ok {
		return fmt.Errorf("%s: no tensor %q", c.Name(), rngName)
	}
	state := make([]uint8, info.Len())
	if err := c.ReadUint8(rngName, state); err != nil {
		return err
	}
	e.sc.SetRandomState(e.at, state)
	return nil
}

// part ends the exchange of gradients, so that weights may be loaded.
func (e *engine) part() {
	if e.gradients != nil {
		e.gradients.Free()
		e.gradients, e.Exchange = nil, nil
	}
}

// free frees the weights; the rest goes with the session.
func (e *engine) free() {
	e.part()
	e.Model.Params.Free()
}
