// Package optim changes the weights of a network by their gradients: AdamW
// (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019) in
// libtorch's fused kernel, or in a loop of operators to compare that with, after
// clipping by the norm of all gradients together. For training in float16 there is
// dynamic loss scaling.
//
// Nothing in a step is read back from the device: norms stay tensors, and so does
// whether a step was skipped.
package optim

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

// Moments of AdamW, as PyTorch's defaults are.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

// Defaults of lens train.
const (
	DefaultRate  = 1e-3
	DefaultDecay = 1e-4
	DefaultClip  = 1.0
)

// An AdamW is the optimiser of one network's trained parameters, in the order of
// nn.Params.Trained. Its tensors belong to the scope that it was made with.
type AdamW struct {
	Decay float64 // weight decay
	Clip  float64 // largest norm of all gradients together; 0: any
	Loop  bool    // change weight by weight, by operators on whole tensors, without the fused kernel; not with a Scaler

	Scaler *Scaler // of the losses; nil: losses are as they are

	Weights []*torch.Tensor
	First   []*torch.Tensor // moments of the gradients
	Second  []*torch.Tensor
	Steps   []*torch.Tensor // made so far, one float32 scalar for each weight

	channelsLast bool // the order of the weights of convolutions
}

// NewAdamW returns an optimiser that has made no steps yet, where the parameters are.
// They must be loaded, outside inference mode; they require gradients from now on.
func NewAdamW(sc *torch.Scope, ps *nn.Params, decay, clip float64) *AdamW {
	ps.RequireGrads(true)
	o := &AdamW{Decay: decay, Clip: clip, channelsLast: ps.ChannelsLast}
	for _, p := range ps.Trained() {
		o.Weights = append(o.Weights, p.T())
	}
	sc.Tagged(torch.Optimiser, func() {
		for _, w := range o.Weights {
			o.First = append(o.First, sc.ZerosLike(w))
			o.Second = append(o.Second, sc.ZerosLike(w))
			o.Steps = append(o.Steps, sc.Move(sc.Zeros(torch.Float32), ps.Place))
		}
	})
	return o
}

// Backward goes back from loss, which the scaler scales, and adds to the gradients
// of the weights: several losses before one Update make one step, whose gradient is
// that of their sum. It belongs outside of the autocast scope that loss was made in.
func (o *AdamW) Backward(sc *torch.Scope, loss *torch.Tensor) {
	if o.Scaler == nil {
		sc.Backward(loss)
		return
	}
	sc.Scoped(func(sc *torch.Scope) { sc.Backward(o.Scaler.scaled(sc, loss)) })
}

// Update changes the weights by their gradients at this learning rate, and frees the
// gradients. It returns their norm before clipping, a scalar tensor. With a scaler,
// gradients are unscaled first; if one of them is not finite, neither is the norm,
// and weights, moments and numbers of steps stay.
//
// A weight without a gradient, which no loss depends on, stays with its moments as
// it is, without decay. It is an error if no weight has one.
func (o *AdamW) Update(sc *torch.Scope, rate float64) (norm *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		sc.InPhase(torch.PhaseUpdate, func() { norm = sc.Keep(o.update(sc, rate)) })
	})
	return norm
}

func (o *AdamW) update(sc *torch.Scope, rate float64) (norm *torch.Tensor) {
	p := o.withGradients(sc)
	options := torch.AdamW{Rate: rate, Beta1: beta1, Beta2: beta2, Epsilon: epsilon, Decay: o.Decay}
	if o.Scaler != nil {
		o.Scaler.unscale(sc, p.grads)
		options.FoundInf = o.Scaler.Found
	}
	norm = sc.GradNorm(p.grads)
	if o.Clip > 0 {
		sc.ClipGrads(p.grads, norm, o.Clip)
	}
	change := sc.FusedAdamW
	if o.Loop {
		change = sc.LoopAdamW
	}
	sc.NoGrad(func() {
		change(o.rows(sc, p.weights), o.rows(sc, p.grads), o.rows(sc, p.first), o.rows(sc, p.second), p.steps, options)
	})
	if o.Scaler != nil {
		o.Scaler.update(sc)
	}
	sc.ZeroGrads(p.weights)
	return norm
}

// rows are views of tensors in the order of their memory. The kernel copies what is
// in another order to and fro, which takes as long as its work.
func (o *AdamW) rows(sc *torch.Scope, tensors []*torch.Tensor) []*torch.Tensor {
	if !o.channelsLast {
		return tensors
	}
	out := make([]*torch.Tensor, len(tensors))
	for i, t := range tensors {
		out[i] = t
		if len(t.Shape()) == 4 {
			out[i] = sc.Permute(t, 0, 2, 3, 1)
		}
	}
	return out
}

// Step is Backward and Update: a step of one loss.
func (o *AdamW) Step(sc *torch.Scope, loss *torch.Tensor, rate float64) (norm *torch.Tensor) {
	o.Backward(sc, loss)
	return o.Update(sc, rate)
}

// part is the weights that have gradients, with their state.
type part struct{ weights, grads, first, second, steps []*torch.Tensor }

func (o *AdamW) withGradients(sc *torch.Scope) (p part) {
	for i, g := range sc.Grads(o.Weights) {
		if g == nil {
			continue
		}
		p.weights, p.grads = append(p.weights, o.Weights[i]), append(p.grads, g)
		p.first, p.second, p.steps = append(p.first, o.First[i]), append(p.second, o.Second[i]), append(p.steps, o.Steps[i])
	}
	if len(p.grads) == 0 {
		panic(&torch.Error{Op: "AdamW update", Kind: torch.ErrInvalid, Message: "no weight has a gradient; a backward pass comes first"})
	}
	return p
}
