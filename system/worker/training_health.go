package worker

import (
	"lensbench/protocol"
	"lensbench/system/optim"
	"lensbench/system/step"
	"lensbench/torch"
)

// A health counts the steps whose gradients had a norm that was not finite. It counts
// on the device, so that no step waits for a number to be read.
type health struct {
	count   *torch.Tensor // float32 scalar, since begin
	skipped int           // steps that the scaler had skipped at begin
}

// A count is what a health has seen.
type count struct {
	lost    int // steps without a finite norm that changed the weights
	skipped int // those that a scaler skipped instead
}

func newHealth(sc *torch.Scope, at torch.Place) health {
	return health{count: sc.Keep(sc.Move(sc.Zeros(torch.Float32), at))}
}

// begin counts from 0.
func (h *health) begin(sc *torch.Scope, s *optim.Scaler) (err error) {
	sc.Zero(h.count)
	h.skipped = 0
	if s != nil {
		_, h.skipped, err = s.Read(sc)
	}
	return err
}

// read waits for the device. A step that a scaler skips has no finite norm.
func (h *health) read(sc *torch.Scope, s *optim.Scaler) (c count, err error) {
	var all [1]float32
	if err := h.count.CopyFloat32(all[:]); err != nil {
		return c, err
	}
	if s != nil {
		_, skipped, err := s.Read(sc)
		if err != nil {
			return c, err
		}
		c.skipped = skipped - h.skipped
	}
	c.lost = int(all[0]) - c.skipped
	return c, nil
}

// update ends a step and returns the norm of its gradients before clipping.
func (w *training) update(sc *torch.Scope) (norm *torch.Tensor) {
	norm = w.stepper.Update(sc, optim.DefaultRate)
	sc.CountNotFinite(w.health.count, norm)
	return norm
}

// healthExtra says what was counted since the last iterate began: of steps in 16 bits
// always, of others what should not be.
func (w *training) healthExtra(out map[string]protocol.Number) error {
	return w.lane.Do(func(sc *torch.Scope) error {
		scaler := w.stepper.AdamW.Scaler
		c, err := w.health.read(sc, scaler)
		if p := w.settings.Precision; p == step.BF16 || p == step.FP16 || c.lost != 0 {
			out["nonfinite_norms"] = protocol.Number(c.lost)
		}
		if scaler != nil {
			out["skipped_steps"] = protocol.Number(c.skipped)
		}
		return err
	})
}
