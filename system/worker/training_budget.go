package worker

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"math"
	"time"

	"lensbench/protocol"
	"lensbench/system/adaptive"
	"lensbench/torch"
)

// Rules of the batch.
const (
	ruleDoubling   = "doubling"
	ruleThroughput = "throughput"
)

// The shares of the budget that doubling keeps between, and what a larger batch has to
// bring to throughput.
const (
	lowShare  = 0.8
	highShare = 0.95
	leastGain = 0.03
)

// smallestStep is the number of images without which BatchNorm has no variance.
const smallestStep = 2

// A ration is the way through an iteration of a fixed number of images under a budget
// of memory: in steps of a batch that stays or that a rule chooses. The rule goes on
// from iteration to iteration, and from sample to sample: what it has found out is
// part of what is measured only while it looks.
type ration struct {
	images int           // of an iteration
	budget int64         // bytes
	batch  int           // of the next step
	rule   adaptive.Rule // nil: the batch stays

	seen func(images, labels *torch.Tensor) error // is told the images of each step that was made; nil: nobody
}

func newRation(c protocol.Settings) *ration {
	r := &ration{images: c.Images, budget: budgetBytes(c), batch: c.Batch}
	limits := adaptive.Limits{Least: smallestStep, Most: c.Images}
	switch c.Adaptive {
	case ruleDoubling:
		r.rule = &adaptive.Doubling{Limits: limits, Budget: r.budget, Low: lowShare, High: highShare}
	case ruleThroughput:
		r.rule = &adaptive.Throughput{Limits: limits, Budget: r.budget, Gain: leastGain}
	}
	return r
}

// budgetBytes is the limit of tensor bytes, 0 for none.
func budgetBytes(c protocol.Settings) int64 { return int64(c.Budget) << 20 }

// next is the number of images of the next step, of those that are left: the batch, or
// fewer where one image alone would be left over otherwise. Only of three images, with
// a batch of two, are there more.
func (r *ration) next(left int) int {
	switch {
	case left <= r.batch:
		return left
	case left-r.batch >= smallestStep:
		return r.batch
	case r.batch > smallestStep:
		return r.batch - 1
	}
	return left
}

// learn tells the rule what a step has taken. The last step of an iteration may have
// fewer images than the batch and says nothing of it, unless even they were too many.
func (r *ration) learn(o adaptive.Observation) {
	if r.rule != nil && (o.Batch == r.batch || o.OutOfMemory) {
		r.batch = r.rule.Next(o)
	}
}

// smaller says whether fewer images than these may be tried.
func (r *ration) smaller(than int) bool { return r.rule != nil && r.batch < than }

// extra adds what there is to say beside the time.
func (r *ration) extra(out map[string]protocol.Number, peak int64) {
	out["batch"] = protocol.Number(r.batch)
	out["budget_used"] = protocol.Number(float64(peak) / float64(r.budget))
	if r.rule == nil {
		return
	}
	report := r.rule.Report()
	out["changes"], out["out_of_memory"], out["oscillates"] = protocol.Number(report.Changes), protocol.Number(report.OutOfMemory), 0
	if report.Oscillates {
		out["oscillates"] = 1
	}
}

// A cut makes tensors of n images from the image at.
type cut func(sc *torch.Scope, at, n int) (images, labels *torch.Tensor)

// portion is one iteration under a budget.
func (w *training) portion(sc *torch.Scope) error { return w.pass(sc, w.ration.images, w.part) }

// pass goes through images under a budget. Those of a step for which memory ran out are
// done again, fewer at once; what the first layers' BatchNorm had already taken into its
// statistics stays there.
func (w *training) pass(sc *torch.Scope, images int, part cut) error {
	r := w.ration
	for at := 0; at < images; {
		n := r.next(images - at)
		o, err := w.timed(sc, at, n, part)
		if err != nil && !o.OutOfMemory {
			return err
		}
		r.learn(o)
		if !o.OutOfMemory {
			at += n
		} else if !r.smaller(n) {
			return err
		}
	}
	return nil
}

// timed makes a step of n images from the image at, and says what it took. If it fails
// there was no step.
func (w *training) timed(sc *torch.Scope, at, n int, part cut) (o adaptive.Observation, err error) {
	o.Batch = n
	begin := time.Now()
	err = sc.Try(func(sc *torch.Scope) {
		images, labels := part(sc, at, n)
		w.stepOf(sc, images, labels)
		sc.Synchronize(w.place)
	})
	o.Seconds = time.Since(begin).Seconds()
	if o.OutOfMemory = errors.Is(err, torch.ErrOutOfMemory); err != nil {
		sc.ZeroGrads(w.stepper.AdamW.Weights)
	}
	peak, looked := w.watch.step(sc)
	o.Peak = peak
	if err == nil {
		err = looked
	}
	if err == nil && w.ration.seen != nil {
		sc.Scoped(func(sc *torch.Scope) { err = w.ration.seen(part(sc, at, n)) })
	}
	return o, err
}

func (w *training) stepOf(sc *torch.Scope, images, labels *torch.Tensor) {
	w.stepper.Last = true
	w.stepper.Add(sc, images, labels, 1)
	w.update(sc)
}

// part are n images in memory from the image at.
func (w *training) part(sc *torch.Scope, at, n int) (images, labels *torch.Tensor) {
	return w.source.(*memory).part(sc, int64(at), int64(n))
}

// checkedIterations is the number of iterations that are looked at.
const checkedIterations = 2

// rationDigests say of each iteration which images were trained on, in their order,
// and whether that was within the budget. They are the same for every rule, whatever
// its batches: each image once, also where memory ran out.
func (w *training) rationDigests(sc *torch.Scope) (out outputs, err error) {
	before := w.ration
	defer func() { w.ration = before }()
	w.ration = newRation(w.settings)
	for range checkedIterations {
		pixels, classes := sha256.New(), sha256.New() // apart, or the ends of steps would be in them
		w.ration.seen = func(images, labels *torch.Tensor) error {
			return errors.Join(hashTensor(pixels, images), hashTensor(classes, labels))
		}
		w.watch.begin(sc)
		if err := w.portion(sc); err != nil {
			return out, err
		}
		out.digests = append(out.digests, hex.EncodeToString(pixels.Sum(nil)), hex.EncodeToString(classes.Sum(nil)), budgetWord(max(w.watch.since().All.Total(), w.watch.devicePeak), w.ration.budget))
	}
	return out, nil
}

// budgetWord says whether a peak is within a budget.
func budgetWord(peak, budget int64) string {
	if peak > budget {
		return "over budget"
	}
	return "in budget"
}

// hashTensor adds a tensor's values.
func hashTensor(h hash.Hash, t *torch.Tensor) error {
	v := make([]float32, t.Numel())
	if err := t.CopyFloat32(v); err != nil {
		return err
	}
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	_, err := h.Write(b)
	return err
}
