package worker

import (
	"context"
	"io"

	"lensbench/system/augment"
	"lensbench/system/loader"
	"lensbench/system/metric"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/system/ranks"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// The short training whose result is compared, seed by seed: long enough for losses
// to fall, short enough to be repeated.
const (
	finalSeeds  = 5
	finalEpochs = 2
	finalTrain  = 512
	finalHeld   = 256 // images that the result is scored on
	finalBatch  = 32
	finalPixels = 64
)

// finalLosses are, for each of a few seeds, the loss on images that were held back
// after a short training on simulated images, with the settings of the arm. It is
// scored in float32, whatever the precision of the steps.
func (w *training) finalLosses(sc *torch.Scope) (out outputs, err error) {
	dir, err := simulated(w.cache, survey.Spec{Train: finalTrain, Validation: finalHeld, Pixels: finalPixels, Bands: w.model.Bands})
	if err != nil {
		return out, err
	}
	set, err := survey.Open(dir)
	if err != nil {
		return out, err
	}
	out.shape = []int{finalSeeds}
	for seed := range uint64(finalSeeds) {
		var loss float64
		sc.Scoped(func(sc *torch.Scope) { loss, err = w.finalLoss(sc, set, seed+1) })
		if err != nil {
			return out, err
		}
		out.values = append(out.values, float32(loss))
	}
	return out, nil
}

func (w *training) finalLoss(sc *torch.Scope, set *survey.Set, seed uint64) (float64, error) {
	train, err := survey.Part(set, "train")
	if err != nil {
		return 0, err
	}
	held, err := survey.Part(set, "validation")
	if err != nil {
		return 0, err
	}
	if err := w.begin(sc, seed); err != nil {
		return 0, err
	}
	n := w.stepper.Settings.MicroBatches()
	batches, err := loader.New(train, loader.Config{Batch: max(1, finalBatch/n/w.world()), Workers: 1, Shuffle: true, DropLast: true, Seed: seed,
		Rank: w.rank(), World: w.world(),
		Augment: &augment.Policy{Dihedral: true, Shift: 2}, Stretch: stretch.Asinh})
	if err != nil {
		return 0, err
	}
	for epoch := range finalEpochs {
		if err := w.finalEpoch(sc, batches, epoch); err != nil {
			return 0, err
		}
	}
	if w.exchange != nil {
		if err := w.exchange.Share(); err != nil {
			return 0, err
		}
	}
	return w.heldLoss(sc, held)
}

// begin begins anew with the weights, masks and order of another seed.
func (w *training) begin(sc *torch.Scope, seed uint64) error {
	w.restart(sc)
	sc.Seed(seed)
	formula := nn.Formula{Seed: seed}
	for _, p := range w.model.Params.All() {
		if p.Counter {
			continue
		}
		v := make([]float32, p.Len())
		if err := formula.Fill(p, v); err != nil {
			return err
		}
		sc.NoGrad(func() { sc.CopyFrom(p.T(), v) })
	}
	return nil
}

func (w *training) finalEpoch(sc *torch.Scope, batches *loader.Loader, epoch int) error {
	stream := batches.Epoch(context.Background(), epoch, 0)
	defer stream.Close()
	n := w.stepper.Settings.MicroBatches()
	for range ranks.Steps(finalTrain, max(1, finalBatch/n/w.world()), w.world()) / n {
		for i := range n {
			b, err := stream.Next()
			if err != nil {
				return err
			}
			w.stepper.Last = i == n-1
			sc.Scoped(func(sc *torch.Scope) {
				x, y := tensorsOf(sc, b, w.model.Bands)
				w.stepper.Add(sc, trained.Resize(sc, x, w.settings.Pixels), y, 1/float64(n))
			})
			stream.Release(b)
		}
		sc.Scoped(func(sc *torch.Scope) { w.stepper.Update(sc, optim.DefaultRate) })
	}
	return nil
}

func tensorsOf(sc *torch.Scope, b *loader.Batch, bands int) (x, y *torch.Tensor) {
	n := int64(len(b.Labels))
	return sc.FromFloat32(b.Pixels, n, int64(bands), finalPixels, finalPixels), sc.FromFloat32(b.Labels, n)
}

// heldLoss is the mean loss on images that were held back.
func (w *training) heldLoss(sc *torch.Scope, held survey.Images) (float64, error) {
	batches, err := loader.New(held, loader.Config{Batch: finalBatch, Workers: 1, Stretch: stretch.Asinh})
	if err != nil {
		return 0, err
	}
	stream := batches.Epoch(context.Background(), 0, 0)
	defer stream.Close()
	var logits []float64
	var labels []int
	for {
		b, err := stream.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
		values := make([]float32, len(b.Labels))
		sc.NoGrad(func() {
			sc.Scoped(func(sc *torch.Scope) {
				x, _ := tensorsOf(sc, b, w.model.Bands)
				err = w.model.Forward(sc, trained.Resize(sc, x, w.settings.Pixels)).CopyFloat32(values)
			})
		})
		if err != nil {
			return 0, err
		}
		for i, v := range values {
			logits, labels = append(logits, float64(v)), append(labels, int(b.Labels[i]))
		}
		stream.Release(b)
	}
	sample, err := metric.OfLogits(logits, labels)
	if err != nil {
		return 0, err
	}
	return sample.NLL(), nil
}
