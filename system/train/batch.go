package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"lensbench/system/adaptive"
	"lensbench/system/loader"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
)

// FirstBatch is the batch that a search for the best begins with.
const FirstBatch = 8

const (
	leastBatch = 2    // BatchNorm has no variance of one image
	mostBatch  = 4096 // larger ones learn another thing, whatever their speed
	leastGain  = 0.03 // share that a larger batch has to be faster by
	searchRate = 0    // of AdamW: the search is after time and memory

	// reserve is what a run may hold beside the tensors of a step: losses that were not
	// read yet, and the state of the random number generator.
	reserve = 1 << 20
)

// A trial is what a search has found out about a batch.
type trial struct {
	batch       int
	perSecond   float64 // images, in the fastest step
	peak        int64   // bytes
	outOfMemory bool
}

func (t trial) String() string {
	if t.outOfMemory {
		return fmt.Sprintf("%d out of memory", t.batch)
	}
	return fmt.Sprintf("%d (%.3g images/s, %s)", t.batch, t.perSecond, humanize.IBytes(uint64(t.peak)))
}

// search makes steps until the rule has settled. What it has tried is in that order.
func search(rule *adaptive.Throughput, batch int, step func(batch int) (adaptive.Observation, error)) (best int, tried []trial, err error) {
	for !rule.Settled() {
		o, err := step(batch)
		if err != nil {
			return 0, tried, err
		}
		tried = note(tried, o)
		if o.OutOfMemory && batch <= rule.Least {
			return 0, tried, fmt.Errorf("%w: a step of %d images does not fit the memory budget", torch.ErrOutOfMemory, batch)
		}
		batch = rule.Next(o)
	}
	return batch, tried, nil
}

// note adds a step to the trial of its batch, which is the last, or a new one.
func note(tried []trial, o adaptive.Observation) []trial {
	if n := len(tried); n == 0 || tried[n-1].batch != o.Batch {
		tried = append(tried, trial{batch: o.Batch})
	}
	t := &tried[len(tried)-1]
	t.outOfMemory = t.outOfMemory || o.OutOfMemory
	if !o.OutOfMemory {
		t.perSecond, t.peak = max(t.perSecond, float64(o.Batch)/o.Seconds), max(t.peak, o.Peak)
	}
	return tried
}

// chooseBatch looks for the batch with the most images per second within the budget,
// and takes it into the settings. It trains a network of its own, on the first images
// of the first epoch, so the run begins as if there had been no search.
func (r *run) chooseBatch(ctx context.Context) error {
	limits := adaptive.Limits{Least: leastBatch, Most: min(mostBatch, r.Train.Len())}
	rule := &adaptive.Throughput{Limits: limits, Budget: r.Budget - reserve, Gain: leastGain}
	var tried []trial
	err := torch.Session{Threads: r.Settings.Threads}.Run(func(sc *torch.Scope) (err error) {
		m, err := model.New(r.Settings.Model, r.state.Data.Bands)
		if err != nil {
			return err
		}
		e, err := newEngine(sc, r.at, m, &r.Settings, r.state.Data.Pixels, nn.Formula{Seed: r.Settings.Seed})
		if err != nil {
			return err
		}
		defer e.free()
		step := func(batch int) (adaptive.Observation, error) { return r.tryBatch(ctx, e, batch) }
		r.Settings.Batch, tried, err = search(rule, min(FirstBatch, limits.Most), step)
		return err
	})
	if err != nil {
		return err
	}
	words := make([]string, len(tried))
	for i, t := range tried {
		words[i] = t.String()
	}
	r.Watch.Note(fmt.Sprintf("batch: %d images, of %s", r.Settings.Batch, strings.Join(words, ", ")))
	return nil
}

// tryBatch makes one step of so many images.
func (r *run) tryBatch(ctx context.Context, e *engine, batch int) (o adaptive.Observation, err error) {
	l, err := loader.New(r.Train, r.trainConfig(batch))
	if err != nil {
		return o, err
	}
	stream := l.Epoch(ctx, 0, 0)
	defer stream.Close()
	b, err := stream.Next()
	if err != nil {
		return o, err
	}
	defer stream.Release(b)
	o.Batch = batch
	e.resetPeak()
	begin := time.Now()
	err = e.sc.Try(func(sc *torch.Scope) {
		x, y := e.inputs(sc, b)
		e.Last = true
		e.Add(sc, x, y, 1)
		e.Update(sc, searchRate)
		sc.Synchronize(e.at)
	})
	o.Seconds = time.Since(begin).Seconds()
	o.Peak = e.peak()
	if o.OutOfMemory = errors.Is(err, torch.ErrOutOfMemory); o.OutOfMemory {
		e.sc.ZeroGrads(e.AdamW.Weights)
		return o, nil
	}
	o.OutOfMemory = e.at.CUDA && o.Peak > r.Budget // nothing has refused it there
	return o, err
}

// resetPeak and peak measure the memory of tensors on a CUDA device, or else in this
// process.
func (e *engine) resetPeak() {
	if e.at.CUDA {
		e.sc.ResetDevicePeaks(e.at)
		return
	}
	torch.ResetPeak()
}

func (e *engine) peak() int64 {
	if e.at.CUDA {
		return e.sc.DeviceMemory(e.at).AllocatedPeak
	}
	_, peak := torch.Memory()
	return peak
}

// limitMemory puts the budget in force, if there is one. It has to come before the
// first tensor of the process. On a CUDA device the search alone knows of it.
func (r *run) limitMemory() (lift func(), err error) {
	if r.Budget == 0 {
		return func() {}, nil
	}
	if r.at.CUDA && !r.Auto {
		return nil, errors.New("a memory budget on a CUDA device is for a batch that is searched; steps there have all of the device's memory")
	}
	// Gradients are as large as what is trained, and moments twice that.
	if least := r.model.Params.Bytes() + 3*4*r.model.Params.Trainable(); r.Budget < least+reserve {
		return nil, fmt.Errorf("a memory budget of %s; weights, gradients and moments of %s alone take %s",
			humanize.IBytes(uint64(r.Budget)), r.Settings.Model, humanize.IBytes(uint64(least)))
	}
	if r.at.CUDA {
		return func() {}, nil
	}
	if err := torch.CountMemory(); err != nil {
		return nil, err
	}
	return func() { torch.LimitMemory(0) }, torch.LimitMemory(r.Budget)
}
