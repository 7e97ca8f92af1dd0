package optim

import "lensbench/torch"

// A Scaler multiplies losses by a scale, so that gradients do not vanish in
// float16, and looks for the largest scale at which they do not overflow either:
// dynamic loss scaling (Micikevicius et al., "Mixed precision training", 2018),
// step for step as PyTorch's GradScaler. A step whose gradients have overflowed is
// skipped. bfloat16 has the range of float32 and needs none.
//
// One Scaler goes with one optimiser for a whole training run: the scale that it
// has found is part of the run's state. Its tensors belong to the scope that it was
// made with.
type Scaler struct {
	torch.Scaling

	Scale   *torch.Tensor // float32[]: factor of the losses
	Tracker *torch.Tensor // int32[]: steps since the scale has changed
	Found   *torch.Tensor // float32[]: 1 if the last step had a gradient that was not finite, else 0
	Skipped *torch.Tensor // int64[]: steps that were skipped so far
}

// Options of a new Scaler, where they are 0: PyTorch's.
const (
	DefaultScale    = 65536
	DefaultGrowth   = 2
	DefaultBackoff  = 0.5
	DefaultInterval = 2000 // steps
)

// NewScaler returns a Scaler of losses at that place that begins with that scale.
func NewScaler(sc *torch.Scope, at torch.Place, scale float64, o torch.Scaling) (*Scaler, error) {
	o = withDefaults(o)
	if err := o.Check(); err != nil {
		return nil, err
	}
	s := &Scaler{
		Scaling: o,
		Scale:   sc.Move(sc.Zeros(torch.Float32), at),
		Tracker: sc.Move(sc.Zeros(torch.Int32), at),
		Found:   sc.Move(sc.Zeros(torch.Float32), at),
		Skipped: sc.Move(sc.Zeros(torch.Int64), at),
	}
	if scale == 0 {
		scale = DefaultScale
	}
	s.Restore(sc, ScalerState{Scale: scale})
	return s, nil
}

func withDefaults(o torch.Scaling) torch.Scaling {
	if o.Growth == 0 {
		o.Growth = DefaultGrowth
	}
	if o.Backoff == 0 {
		o.Backoff = DefaultBackoff
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	return o
}

// scaled returns loss times the scale.
func (s *Scaler) scaled(sc *torch.Scope, loss *torch.Tensor) *torch.Tensor {
	return sc.Mul(loss, s.Scale)
}

// unscale divides the gradients by the scale and looks for those that are not
// finite. The reciprocal is rounded once, from float64.
func (s *Scaler) unscale(sc *torch.Scope, grads []*torch.Tensor) {
	one := sc.Ones(torch.Float64)
	inverse := sc.To(sc.Div(one, sc.To(s.Scale, torch.Float64)), torch.Float32)
	sc.UnscaleGrads(grads, sc.Zero(s.Found), inverse)
}

// update changes the scale after the optimiser's step.
func (s *Scaler) update(sc *torch.Scope) {
	sc.AddInPlace(s.Skipped, sc.To(s.Found, torch.Int64))
	sc.UpdateScale(s.Scale, s.Tracker, s.Found, s.Scaling)
}

// A ScalerState is what a checkpoint has to hold of a Scaler. The first two names are
// those of GradScaler's state.
type ScalerState struct {
	Scale   float64 `json:"scale"`
	Tracker int     `json:"_growth_tracker"`
	Skipped int     `json:"skipped"` // steps
}

// State reads the state from the device, which waits for it.
func (s *Scaler) State(sc *torch.Scope) (state ScalerState, err error) {
	var values [3]float64
	sc.Scoped(func(sc *torch.Scope) {
		var all []*torch.Tensor
		for _, t := range []*torch.Tensor{s.Scale, s.Tracker, s.Skipped} {
			all = append(all, sc.To(t, torch.Float64))
		}
		err = sc.Stack(all, 0).CopyFloat64(values[:])
	})
	return ScalerState{values[0], int(values[1]), int(values[2])}, err
}

// Restore sets what State has returned.
func (s *Scaler) Restore(sc *torch.Scope, state ScalerState) {
	sc.Scoped(func(sc *torch.Scope) {
		sc.Copy(s.Scale, sc.FromFloat64([]float64{state.Scale}))
		sc.Copy(s.Tracker, sc.FromInt64([]int64{int64(state.Tracker)}))
		sc.Copy(s.Skipped, sc.FromInt64([]int64{int64(state.Skipped)}))
		sc.Zero(s.Found)
	})
}

// Read returns the scale, and the number of steps that were skipped. It waits for
// the device.
func (s *Scaler) Read(sc *torch.Scope) (scale float64, skipped int, err error) {
	state, err := s.State(sc)
	return state.Scale, state.Skipped, err
}
