// Package optim changes the weights of a network by their gradients: AdamW
// (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019) in
// libtorch's fused kernel, after clipping by the norm of all gradients together.
//
// Nothing in a step is read back from the device: norms stay tensors.
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

	Weights []*torch.Tensor
	First   []*torch.Tensor // moments of the gradients
	Second  []*torch.Tensor
	Steps   []*torch.Tensor // made so far, one float32 scalar for each weight
}

// NewAdamW returns an optimiser that has made no steps yet. The parameters must
// be loaded, outside inference mode; they require gradients from now on.
func NewAdamW(sc *torch.Scope, ps *nn.Params, decay, clip float64) *AdamW {
	ps.RequireGrads(true)
	o := &AdamW{Decay: decay, Clip: clip}
	for _, p := range ps.Trained() {
		o.Weights = append(o.Weights, p.T())
	}
	sc.Tagged(torch.Optimiser, func() {
		for _, w := range o.Weights {
			o.First = append(o.First, sc.Zeros(torch.Float32, w.Shape()...))
			o.Second = append(o.Second, sc.Zeros(torch.Float32, w.Shape()...))
			o.Steps = append(o.Steps, sc.Zeros(torch.Float32))
		}
	})
	return o
}

// Step goes back from loss, and changes the weights at this learning rate. It
// returns the norm of the gradients before clipping, a scalar tensor. Gradients
// are freed.
func (o *AdamW) Step(sc *torch.Scope, loss *torch.Tensor, rate float64) (norm *torch.Tensor) {
	o.Backward(sc, loss)
	return o.Update(sc, rate)
}

// Backward adds the gradients of loss, a scalar tensor, to those of the weights.
func (o *AdamW) Backward(sc *torch.Scope, loss *torch.Tensor) { sc.Backward(loss) }

// Update changes the weights by their gradients at this learning rate. It
// returns the norm of the gradients before clipping, a scalar tensor. Gradients
// are freed.
func (o *AdamW) Update(sc *torch.Scope, rate float64) (norm *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		sc.InPhase(torch.PhaseUpdate, func() { norm = sc.Keep(o.update(sc, rate)) })
	})
	return norm
}

// update changes the weights by their gradients.
func (o *AdamW) update(sc *torch.Scope, rate float64) (norm *torch.Tensor) {
	grads := sc.Grads(o.Weights)
	norm = sc.GradNorm(grads)
	if o.Clip > 0 {
		sc.ClipGrads(grads, norm, o.Clip)
	}
	sc.FusedAdamW(o.Weights, grads, o.First, o.Second, o.Steps,
		torch.AdamW{Rate: rate, Beta1: beta1, Beta2: beta2, Epsilon: epsilon, Decay: o.Decay})
	sc.ZeroGrads(o.Weights)
	return norm
}
