package worker

import (
	"context"
	"io"
	"math"
	"slices"

	"lensbench/system/augment"
	"lensbench/system/loader"
	"lensbench/system/metric"
	"lensbench/system/nn"
	"lensbench/system/ranks"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A shortTraining is the training whose result is compared, seed by seed.
type shortTraining struct {
	seeds  int
	epochs int
	train  int // images, of which a whole number of batches is used
	held   int // images that the result is scored on
	batch  int // images of a step of all ranks; under a budget the setting batch counts
	pixels int // side of the images on disk
}

// finalTraining is long enough for losses to fall, and short enough to be repeated.
var finalTraining = shortTraining{seeds: 5, epochs: 2, train: 512, held: 256, batch: 32, pixels: 64}

// finalQuality is, for each of a few seeds, what protocol.FinalQualities says of the
// short training on simulated images, with the settings of the arm. It is scored in
// float32, whatever the precision of the steps.
func (w *training) finalQuality(sc *torch.Scope) (out outputs, err error) {
	c := w.short
	dir, err := simulated(w.cache, survey.Spec{Train: c.train, Validation: c.held, Pixels: c.pixels, Bands: w.model.Bands})
	if err != nil {
		return out, err
	}
	set, err := survey.Open(dir)
	if err != nil {
		return out, err
	}
	train, err := survey.Part(set, "train")
	if err != nil {
		return out, err
	}
	held, err := survey.Part(set, "validation")
	if err != nil {
		return out, err
	}
	if train, err = kept(train, w.settings.Cache, w.cache); err != nil {
		return out, err
	}
	if c, ok := train.(io.Closer); ok {
		defer c.Close()
	}
	return w.qualities(sc, train, held)
}

// A quality has the figures of one seed, in the order of protocol.FinalQualities.
type quality [3]float64

// qualities trains on images and scores those that were held back.
func (w *training) qualities(sc *torch.Scope, train, held survey.Images) (out outputs, err error) {
	n := w.short.seeds
	out.shape, out.values = []int{len(quality{}), n}, make([]float32, len(quality{})*n)
	if w.ration != nil {
		before := w.ration
		defer func() { w.ration = before }()
	}
	for i := range n {
		var q quality
		sc.Scoped(func(sc *torch.Scope) { q, err = w.quality(sc, train, held, uint64(i+1)) })
		if err != nil {
			return out, err
		}
		for k, v := range q {
			out.values[k*n+i] = float32(v)
		}
	}
	return out, nil
}

func (w *training) quality(sc *torch.Scope, train, held survey.Images, seed uint64) (q quality, err error) {
	if err := w.begin(sc, seed); err != nil {
		return q, err
	}
	batches, err := loader.New(train, w.finalLoading(seed))
	if err != nil {
		return q, err
	}
	for epoch := range w.short.epochs {
		if err := w.finalEpoch(sc, batches, epoch); err != nil {
			return q, err
		}
	}
	steps, err := w.health.read(sc, w.stepper.AdamW.Scaler)
	if err != nil {
		return q, err
	}
	if w.exchange != nil {
		if err := w.exchange.Share(); err != nil {
			return q, err
		}
	}
	loss, auroc, err := w.heldFigures(sc, held)
	return quality{loss, auroc, float64(steps.lost)}, err
}

// finalLoading is how the images of the short training are read: as those of the timed
// steps, where these come from disk.
func (w *training) finalLoading(seed uint64) loader.Config {
	c := w.settings
	config := loader.Config{Batch: w.finalBatch(), Workers: 1, Shuffle: true, DropLast: true, Seed: seed,
		Rank: w.rank(), World: w.world(),
		Augment: &augment.Policy{Dihedral: true, Shift: 2}, Stretch: stretch.Asinh}
	if c.Source == "disk" {
		config.Workers, config.Prefetch = c.Workers, c.Prefetch*max(c.Workers, 1)
	}
	return config
}

// finalBatch is the number of images of a rank's micro-batch.
func (w *training) finalBatch() int {
	return w.short.batch / w.stepper.Settings.MicroBatches() / w.world()
}

// begin begins anew with the weights, masks and order of another seed.
func (w *training) begin(sc *torch.Scope, seed uint64) error {
	w.restart(sc)
	sc.Seed(seed)
	if w.ration != nil {
		w.ration = newRation(w.settings)
		w.watch.begin(sc)
	}
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
	return w.health.begin(sc, w.stepper.AdamW.Scaler)
}

func (w *training) finalEpoch(sc *torch.Scope, batches *loader.Loader, epoch int) error {
	stream := batches.Epoch(context.Background(), epoch, 0)
	defer stream.Close()
	n := w.stepper.Settings.MicroBatches()
	steps := ranks.Steps(w.short.train, w.finalBatch(), w.world()) / n
	if w.ration != nil {
		return w.finalPass(sc, stream, steps)
	}
	for range steps {
		for i := range n {
			b, err := stream.Next()
			if err != nil {
				return err
			}
			w.stepper.Last = i == n-1
			sc.Scoped(func(sc *torch.Scope) {
				x, y := w.tensorsOf(sc, b.Pixels, b.Labels)
				w.stepper.Add(sc, x, y, 1/float64(n))
			})
			stream.Release(b)
		}
		sc.Scoped(func(sc *torch.Scope) { w.update(sc) })
	}
	return nil
}

// finalPass is an epoch under a budget, in steps of the batches that it allows.
func (w *training) finalPass(sc *torch.Scope, stream *loader.Stream, batches int) error {
	var pixels, labels []float32
	for range batches {
		b, err := stream.Next()
		if err != nil {
			return err
		}
		pixels, labels = append(pixels, b.Pixels...), append(labels, b.Labels...)
		stream.Release(b)
	}
	each := len(pixels) / len(labels)
	return w.pass(sc, len(labels), func(sc *torch.Scope, at, n int) (x, y *torch.Tensor) {
		return w.tensorsOf(sc, pixels[at*each:(at+n)*each], labels[at:at+n])
	})
}

// tensorsOf makes tensors of images of the short training, of the network's size and
// where it is.
func (w *training) tensorsOf(sc *torch.Scope, pixels, labels []float32) (x, y *torch.Tensor) {
	n, side := int64(len(labels)), int64(w.short.pixels)
	x = sc.Move(sc.FromFloat32(pixels, n, int64(w.model.Bands), side, side), w.place)
	return trained.Resize(sc, x, w.settings.Pixels), sc.Move(sc.FromFloat32(labels, n), w.place)
}

// heldFigures are the mean loss and the AUROC on images that were held back; NaN if the
// network no longer computes numbers.
func (w *training) heldFigures(sc *torch.Scope, held survey.Images) (loss, auroc float64, err error) {
	logits, labels, err := w.heldLogits(sc, held)
	if err != nil {
		return 0, 0, err
	}
	if slices.ContainsFunc(logits, func(z float64) bool { return math.IsNaN(z) || math.IsInf(z, 0) }) {
		return math.NaN(), math.NaN(), nil
	}
	sample, err := metric.OfLogits(logits, labels)
	if err != nil {
		return 0, 0, err
	}
	return sample.NLL(), sample.AUROC(), nil
}

func (w *training) heldLogits(sc *torch.Scope, held survey.Images) (logits []float64, labels []int, err error) {
	batches, err := loader.New(held, loader.Config{Batch: w.short.batch, Workers: 1, Stretch: stretch.Asinh})
	if err != nil {
		return nil, nil, err
	}
	stream := batches.Epoch(context.Background(), 0, 0)
	defer stream.Close()
	for {
		b, err := stream.Next()
		if err == io.EOF {
			return logits, labels, nil
		}
		if err != nil {
			return nil, nil, err
		}
		values := make([]float32, len(b.Labels))
		sc.NoGrad(func() {
			sc.Scoped(func(sc *torch.Scope) {
				x, _ := w.tensorsOf(sc, b.Pixels, b.Labels)
				err = w.model.Forward(sc, x).CopyFloat32(values)
			})
		})
		if err != nil {
			return nil, nil, err
		}
		for i, v := range values {
			logits, labels = append(logits, float64(v)), append(labels, int(b.Labels[i]))
		}
		stream.Release(b)
	}
}
