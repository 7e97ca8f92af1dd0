package worker

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"lensbench/protocol"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/torch"
)

// checkedSteps is the number of steps whose losses are the outputs of training.
const checkedSteps = 3

// outputs computes what a check compares, from the first weights and images.
func (w *training) outputs(check string) (out outputs, err error) {
	if w.settings.Adaptive != "" && check != protocol.CheckDigests && check != protocol.CheckFinalQuality {
		return out, refuse(protocol.Unsupported, "verify: an adaptive batch has no %s to compare, for its batches are others; digests are of the images, and final_quality is of what they come to", orDefault(check))
	}
	if n := w.stepper.Settings.MicroBatches(); check == protocol.CheckFinalQuality && w.short.batch%(n*w.world()) != 0 {
		return out, refuse(protocol.Unsupported, "verify: final_quality is of steps of %d images, which accumulate %d and ranks %d do not divide", w.short.batch, n, w.world())
	}
	_, err = w.company.do(rankRequest{Op: rankCheck, Check: check}, func() (err error) {
		out, err = w.outputsRank(check)
		return err
	})
	return out, err
}

// outputsRank is the part of one rank; all come to the same.
func (w *training) outputsRank(check string) (out outputs, err error) {
	w.source.rewind()
	if err := w.rewindRank(); err != nil {
		return out, err
	}
	defer w.source.rewind()
	compute, ok := map[string]func(sc *torch.Scope) (outputs, error){
		"":                      w.losses,
		protocol.CheckLosses:    w.losses,
		protocol.CheckGradients: w.gradients,
		protocol.CheckDigests:   w.digests,
		protocol.CheckNorms:     w.norms,
		protocol.CheckWeights:   w.weights,

		protocol.CheckFinalQuality: w.finalQuality,
	}[check]
	if !ok {
		return out, noCheck(check)
	}
	err = w.lane.Do(func(sc *torch.Scope) error {
		out, err = compute(sc)
		return err
	})
	return out, err
}

// orDefault names the outputs of training where no check is named.
func orDefault(check string) string {
	if check == "" {
		return protocol.CheckLosses
	}
	return check
}

// losses are those of the first steps.
func (w *training) losses(sc *torch.Scope) (outputs, error) {
	out := outputs{shape: []int{checkedSteps}, values: make([]float32, checkedSteps)}
	var steps []*torch.Tensor
	for range checkedSteps {
		loss, err := w.step(sc)
		if err != nil {
			return out, err
		}
		steps = append(steps, loss)
	}
	all, err := w.mean(sc, sc.Stack(steps, 0))
	if err != nil {
		return out, err
	}
	return out, all.CopyFloat32(out.values)
}

// weightSteps is the number of steps after which weights are compared: enough for the
// moments and their corrections to count, few enough for rounding to stay small.
const weightSteps = 3

// projections is the number of sums that stand for what has become of a weight tensor.
const projections = 4

// weights say how far the first steps have moved each weight tensor, and where to, in
// units of the learning rate: for each of N elements that is
//
//	‖Δw‖ / (rate √N)  and  Σ uᵢ Δwᵢ / (rate √N)
//
// with fixed random numbers u of variance 1. Elements one by one would not compare:
// AdamW's first steps are as long for small gradients as for large ones, so those of
// the few whose gradient is rounding alone may go either way. The sums feel them as
// little as they count.
func (w *training) weights(sc *torch.Scope) (out outputs, err error) {
	for range weightSteps {
		loss, err := w.step(sc)
		if err != nil {
			return out, err
		}
		loss.Free()
	}
	at := 0 // in w.initial, which has statistics too
	for _, p := range w.model.Params.All() {
		if p.Counter {
			continue
		}
		if !p.Buffer {
			v := make([]float32, p.Len())
			if err := p.T().CopyFloat32(v); err != nil {
				return out, err
			}
			out.values = append(out.values, movement(v, w.initial[at])...)
		}
		at++
	}
	out.shape = []int{len(out.values)}
	return out, nil
}

// movement is the norm of the difference of two tensors, and its projections.
func movement(now, before []float32) []float32 {
	unit := optim.DefaultRate * math.Sqrt(float64(len(now)))
	d, square := make([]float64, len(now)), 0.0
	for i := range d {
		d[i] = float64(now[i]) - float64(before[i])
		square += d[i] * d[i]
	}
	out := []float32{float32(math.Sqrt(square) / unit)}
	u := make([]float32, len(now))
	for k := range projections {
		nn.Formula{}.Uniform(fmt.Sprintf("projection %d", k), float32(math.Sqrt(3)), 0, u)
		sum := 0.0
		for i := range d {
			sum += float64(u[i]) * d[i]
		}
		out = append(out, float32(sum/unit))
	}
	return out
}

// gradients are those of the first step: a selection of their values, and digests of
// all. Batches that are split give the gradients of the whole only where no image
// depends on the others of its batch, nor on how many masks were drawn before it:
// that is what layers: frozen is for.
func (w *training) gradients(sc *torch.Scope) (out outputs, err error) {
	if w.settings.Layers == "frozen" {
		w.stepper.Mode = nn.Evaluation
		defer func() { w.stepper.Mode = nn.Training }()
	}
	// Gradients are compared as they are, not as a scaler makes them.
	scaler := w.stepper.AdamW.Scaler
	w.stepper.AdamW.Scaler = nil
	defer func() { w.stepper.AdamW.Scaler = scaler }()
	if err := w.coverage(sc); err != nil {
		return out, err
	}
	if err := w.addChecked(sc); err != nil {
		return out, err
	}
	for _, g := range sc.Grads(w.stepper.AdamW.Weights) {
		v := make([]float32, g.Numel())
		if err := g.CopyFloat32(v); err != nil {
			return out, err
		}
		out.values = append(out.values, selection(v)...)
		out.digests = append(out.digests, digestOf(v))
	}
	sc.ZeroGrads(w.stepper.AdamW.Weights)
	out.shape = []int{len(out.values)}
	return out, nil
}

// addChecked adds up the gradients of the images that are checked.
func (w *training) addChecked(sc *torch.Scope) error {
	n := w.settings.CheckImages
	if n == 0 {
		_, err := w.add(sc)
		return err
	}
	each := w.settings.Batch * w.world()
	if n%each != 0 || w.settings.Source == "disk" {
		return refuse(protocol.BadRequest, "check_images: %d, want a multiple of %d images, batch × ranks, in memory", n, each)
	}
	formula := nn.Formula{Seed: uint64(w.settings.Seed)}
	_, err := w.addFrom(sc, newMemory(sc, formula, w.place, w.settings, w.rank(), n/each), n/each)
	return err
}

// selected is the number of values of each gradient that are compared one by one.
const selected = 64

// selection returns values at equal distances, and the norm of all.
func selection(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := []float32{float32(math.Sqrt(sum))}
	n := min(selected, len(v))
	for k := range n {
		out = append(out, v[k*len(v)/n])
	}
	return out
}

// normSteps is the number of steps whose gradients' norms are checked.
const normSteps = 40

// norms are those of the gradients of the first steps, before clipping. A scaler's
// skipped step, whose gradients were not finite, has no norm and changed nothing: the
// next one takes its place.
func (w *training) norms(sc *torch.Scope) (out outputs, err error) {
	for steps := 0; len(out.values) < normSteps && steps < 2*normSteps; steps++ {
		var norm [1]float32
		sc.Scoped(func(sc *torch.Scope) {
			if _, err = w.add(sc); err == nil {
				err = w.update(sc).CopyFloat32(norm[:])
			}
		})
		if err != nil {
			return out, err
		}
		if v := float64(norm[0]); w.stepper.AdamW.Scaler != nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			continue
		}
		out.values = append(out.values, norm[0])
	}
	out.shape = []int{len(out.values)}
	return out, nil
}

// digests are those of the batches of the first steps, as they come from the source,
// of the losses, and of all weights and statistics after them; with a budget, under
// which batches differ, of the images alone.
func (w *training) digests(sc *torch.Scope) (out outputs, err error) {
	if w.ration != nil {
		return w.rationDigests(sc)
	}
	if d, ok := w.source.(*disk); ok {
		if out.digests, err = w.batches(sc, d); err != nil {
			return out, err
		}
	}
	losses, err := w.losses(sc)
	if err != nil {
		return out, err
	}
	out.digests = append(out.digests, digestOf(losses.values))
	for _, t := range w.tensors() {
		v := make([]float32, t.Numel())
		if err := t.CopyFloat32(v); err != nil {
			return out, err
		}
		out.digests = append(out.digests, digestOf(v))
	}
	return out, nil
}

// checkedBatches is the number of batches whose digests are compared, at most: the
// whole epoch of a small data set, and some of the next.
const checkedBatches = 24

func (w *training) batches(sc *torch.Scope, d *disk) (digests []string, err error) {
	for range checkedBatches {
		sc.Scoped(func(sc *torch.Scope) {
			if _, _, err = d.next(sc); err != nil {
				return
			}
			digests = append(digests, digestOf(append(d.batch.Pixels[:len(d.batch.Pixels):len(d.batch.Pixels)], d.batch.Labels...)))
			d.release()
		})
		if err != nil {
			return nil, err
		}
	}
	d.rewind()
	return digests, nil
}

// digestOf is the SHA-256 of values, little-endian.
func digestOf(v []float32) string {
	h := sha256.New()
	var b [4096]byte
	for len(v) > 0 {
		n := min(len(v), len(b)/4)
		for i, x := range v[:n] {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
		}
		h.Write(b[:4*n])
		v = v[n:]
	}
	return hex.EncodeToString(h.Sum(nil))
}
