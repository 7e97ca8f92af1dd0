package step

import (
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A Stepper makes steps of one network. It belongs to a session.
type Stepper struct {
	Settings Settings
	Model    *model.Model
	Mode     nn.Mode      // of the layers; nn.Training for training
	AdamW    *optim.AdamW // changes the weights
	Input    int          // side that images are resized to where there is one scale

	Stage int // index of the scale, in mode Progressive

	// Last says that the micro-batch that is added is the last of its step: ranks
	// exchange gradients in its last backward pass alone.
	Last     bool
	Exchange Exchange // nil: there are no other ranks
}

// New loads a network's weights and returns a stepper of it, with an optimiser that
// has made no steps.
func New(sc *torch.Scope, m *model.Model, src nn.Source, s Settings, o Options) (*Stepper, error) {
	m.Params.ChannelsLast, m.Params.Place = s.ChannelsLast, o.Place
	if err := m.Params.Load(sc, src); err != nil {
		return nil, err
	}
	w := &Stepper{Settings: s, Model: m, Mode: nn.Training, AdamW: optim.NewAdamW(sc, m.Params, o.Decay, o.Clip), Input: o.Input}
	w.AdamW.Loop = s.Optimizer == Loop
	if s.Precision != FP16 {
		return w, nil
	}
	var err error
	w.AdamW.Scaler, err = optim.NewScaler(sc, o.Place, optim.DefaultScale, torch.Scaling{})
	return w, err
}

// Options are what a Stepper needs to know beside its Settings.
type Options struct {
	Input       int     // as Stepper.Input
	Decay, Clip float64 // of optim.AdamW

	// Place is where weights, moments and gradients are, and images have to be.
	Place torch.Place
}

// Keep moves all tensors of the optimiser to the scope around sc.
func (s *Stepper) Keep(sc *torch.Scope) {
	o := s.AdamW
	for _, list := range [][]*torch.Tensor{o.First, o.Second, o.Steps} {
		for _, t := range list {
			sc.Keep(t)
		}
	}
	if c := o.Scaler; c != nil {
		for _, t := range []*torch.Tensor{c.Scale, c.Tracker, c.Found, c.Skipped} {
			sc.Keep(t)
		}
	}
}

// Reset makes the optimiser one that has made no steps.
func (s *Stepper) Reset(sc *torch.Scope) {
	o := s.AdamW
	sc.NoGrad(func() {
		for _, list := range [][]*torch.Tensor{o.First, o.Second, o.Steps} {
			for _, t := range list {
				sc.Zero(t)
			}
		}
		if o.Scaler != nil {
			o.Scaler.Restore(sc, optim.ScalerState{Scale: optim.DefaultScale})
		}
	})
}

// Add adds to the gradients those of the mean loss of a micro-batch, times its share
// of the step's images. Images are [N bands H W], labels [N]. It returns share times
// the loss, a scalar tensor apart from the graph: that of this rank's images. An
// exchange that fails panics with its error, as operators do.
func (s *Stepper) Add(sc *torch.Scope, images, labels *torch.Tensor, share float64) (loss *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		if len(s.Settings.Multi.Scales) > 0 {
			loss = s.addScales(sc, images, labels, share)
		} else {
			loss = s.add(sc, trained.Resize(sc, images, s.Input), labels, share)
		}
		loss = sc.Keep(loss)
	})
	return loss
}

// Update ends the step: it changes the weights at this rate and frees the
// gradients. It returns their norm before clipping, a scalar tensor.
func (s *Stepper) Update(sc *torch.Scope, rate float64) (norm *torch.Tensor) {
	return s.AdamW.Update(sc, rate)
}

// add adds the gradients of one forward pass.
func (s *Stepper) add(sc *torch.Scope, x, labels *torch.Tensor, share float64) *torch.Tensor {
	var loss *torch.Tensor
	s.forward(true)
	sc.InPhase(torch.PhaseForward, func() {
		loss = weigh(sc, sc.BCEWithLogits(s.logits(sc, x, s.Settings.Checkpointing), labels), share)
	})
	s.backward(sc, loss)
	return sc.Detach(loss)
}

// logits runs the network in the step's precision. The logits are float32.
func (s *Stepper) logits(sc *torch.Scope, x *torch.Tensor, checkpointing string) (y *torch.Tensor) {
	mode := s.Mode
	mode.Checkpoint = policy(checkpointing)
	if s.Settings.ChannelsLast {
		x = sc.ChannelsLast(x)
	}
	if s.Settings.DType() == torch.Float32 {
		return s.Model.ForwardMode(sc, x, mode)
	}
	sc.Autocast(s.Settings.DType(), func() { y = s.Model.ForwardMode(sc, x, mode) })
	return nn.Next(y, sc.To(y, torch.Float32))
}

// weigh multiplies a loss by its share. One times it is the same to the bit, so steps
// of one micro-batch need no operator for it.
func weigh(sc *torch.Scope, loss *torch.Tensor, share float64) *torch.Tensor {
	if share == 1 {
		return loss
	}
	return sc.MulScalar(loss, share)
}

// policy is that of a name, of which Settings.Check has made sure.
func policy(name string) nn.Policy {
	p, _ := parsePolicy(name)
	return p
}
