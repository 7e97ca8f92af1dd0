package train

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"lensbench/system/loader"
	"lensbench/system/metric"
)

// interval is the number of steps between readings of the loss, and lines of the
// journal.
const interval = 20

// A stopwatch measures steps; a run that is resumed begins a new one.
type stopwatch struct {
	begun  time.Time
	steps  int
	images int
	waited float64 // s, for images
}

func (w *stopwatch) step(images int, waited float64) {
	w.steps++
	w.images += images
	w.waited += waited
}

func (w *stopwatch) seconds() float64   { return time.Since(w.begun).Seconds() }
func (w *stopwatch) perSecond() float64 { return digits(float64(w.images) / w.seconds()) }
func (w *stopwatch) wait() float64      { return digits(w.waited / float64(max(w.steps, 1))) }

// oneEpoch trains to the end of the epoch, validates and saves.
func (r *run) oneEpoch(ctx context.Context) error {
	r.epoch = stopwatch{begun: time.Now()}
	err := r.steps(ctx)
	perSecond := r.epoch.perSecond()
	var v *metric.Sample
	if err == nil {
		v, err = r.validate(ctx)
	}
	if err != nil && r.stopped(ctx, err) {
		if err := r.save(LastName); err != nil {
			return err
		}
		return ErrInterrupted
	}
	if err != nil {
		return err
	}
	return r.endEpoch(v, perSecond)
}

// steps trains on the batches of the epoch that are left.
func (r *run) steps(ctx context.Context) error {
	s := &r.state
	r.engine.Stage = s.Epoch * len(s.Settings.Step.Multi.Scales) / s.Settings.Epochs
	batches, err := r.rest()
	if err != nil {
		return err
	}
	stream := batches.Epoch(r.streaming(ctx), s.Epoch, s.Batch)
	defer stream.Close()
	r.clock = stopwatch{begun: time.Now()}
	for s.Batch < r.batches() {
		r.pace.begin()
		if err := r.step(stream); err != nil {
			return err
		}
		if err := r.afterStep(ctx); err != nil {
			return err
		}
	}
	return r.line()
}

// step makes one step: of as many micro-batches as it has, or those that are left of
// the epoch. If it fails, no step was made.
func (r *run) step(stream *loader.Stream) error {
	s := &r.state
	var done result
	n := min(r.Settings.Step.MicroBatches(), r.batches()-s.Batch)
	if world := r.Settings.world(); world > 1 {
		r.engine.sc.Seed(maskSeed(r.Settings.Seed, r.Team.Rank, s.Step))
	}
	before := stream.Stats().Waited
	for i := range n {
		b, err := stream.Next()
		if err != nil {
			return err
		}
		r.engine.Last = i == n-1
		r.engine.add(&done, b, 1/float64(n)) // all batches are full
		stream.Release(b)
	}
	waited := stream.Stats().Waited - before
	at := r.place(traceLine)
	at.Step++
	if err := r.engine.update(&done, r.schedule.rate(r.position()), at); err != nil {
		return err
	}
	s.Step++
	s.Batch += n
	done.images *= r.Settings.world()
	r.pending = append(r.pending, done)
	r.pace.step(r.all.steps, done.images)
	for _, w := range []*stopwatch{&r.all, &r.epoch, &r.clock} {
		w.step(done.images, waited)
	}
	return nil
}

// afterStep does what is due between steps.
func (r *run) afterStep(ctx context.Context) error {
	if r.state.Interval.all()+len(r.pending) == interval {
		if err := r.line(); err != nil {
			return err
		}
	}
	r.Watch.Update(r.progress())
	due, err := r.agree(ctx, r.Every >= 0 && time.Since(r.saved) >= r.Every)
	if err == nil && due && r.state.Batch < r.batches() {
		err = r.save(LastName)
	}
	return err
}

// read takes losses and norms of the steps since the last reading into the sums.
func (r *run) read() error {
	if len(r.pending) == 0 {
		return nil
	}
	steps := r.pending
	r.pending = nil
	losses, norms, err := r.engine.read(steps)
	if err == nil {
		err = r.meanLosses(losses)
	}
	if err != nil {
		return err
	}
	if r.engine.AdamW.Scaler == nil {
		if err := finite(r.state.Step-len(steps)+1, losses, norms); err != nil {
			return err
		}
	}
	for i, s := range steps {
		if n := float64(norms[i]); math.IsNaN(n) || math.IsInf(n, 0) {
			r.state.Interval.Skipped++
			r.state.Sums.Skipped++
			continue
		}
		for _, sum := range []*sums{&r.state.Interval, &r.state.Sums} {
			sum.add(s.images, float64(losses[i]), float64(norms[i]), r.Settings.Clip)
		}
	}
	return nil
}

// line writes a line about the interval, which it ends, unless that is empty.
func (r *run) line() error {
	if err := r.read(); err != nil {
		return err
	}
	sum := r.state.Interval
	if sum.all() == 0 {
		return nil
	}
	if sum.Steps == 0 && sum.Skipped == interval {
		return fmt.Errorf("all of the last %d steps, up to step %d, were skipped: gradients are not finite at any scale of the loss; a lower rate, or --precision bf16, may help", interval, r.state.Step)
	}
	if err := r.readScale(); err != nil {
		return err
	}
	line := StepLine{Place: r.place(stepLine), Loss: sum.meanLoss(), Norm: sum.meanNorm(), MaxNorm: sum.MaxNorm, Clipped: sum.Clipped,
		Skipped: sum.Skipped, Scale: r.scale(), Rate: r.schedule.rate(r.position() - 1), PerSecond: r.clock.perSecond(), Wait: r.clock.wait()}
	r.loss = line.Loss
	r.state.Interval = sums{}
	r.clock = stopwatch{begun: time.Now()}
	return r.journal.write(line)
}

// readScale takes the state of the loss's scale into the run's.
func (r *run) readScale() error {
	c := r.engine.AdamW.Scaler
	if c == nil {
		return nil
	}
	state, err := c.State(r.engine.sc)
	r.state.Scaler = &state
	return err
}

func (r *run) scale() float64 {
	if r.state.Scaler == nil {
		return 0
	}
	return r.state.Scaler.Scale
}

func (r *run) progress() Progress {
	s := &r.state
	steps, done := r.stepsOfEpoch(), r.stepsDone()
	left := (r.Settings.Epochs-s.Epoch)*steps - done
	return Progress{Epoch: min(s.Epoch+1, r.Settings.Epochs), Epochs: r.Settings.Epochs, Step: done, Steps: steps, Loss: r.loss,
		PerSecond: r.pace.perSecond(), Remaining: r.pace.remaining(left, r.Settings.Epochs-s.Epoch, r.Validation.Len())}
}

// validate scores the validation images.
func (r *run) validate(ctx context.Context) (*metric.Sample, error) {
	logits, labels, err := r.scoreValidation(ctx)
	if err != nil {
		return nil, err
	}
	return metric.OfLogits(logits, labels)
}

// scoreValidation returns the logits of all validation images, and their labels. Each
// rank scores its share, as with the running statistics of rank 0, and all get the
// whole: that takes the least time, and what follows from it, such as the end of
// training, is the same in all ranks.
func (r *run) scoreValidation(ctx context.Context) (logits []float64, labels []int, err error) {
	p := r.progress()
	p.Step, p.Steps = 0, 0
	r.Watch.Update(p)
	r.pace.begin()
	defer r.pace.validation()
	own, err := r.scoreShare(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := r.Team.Gather(r.engine.sc, own)
	if err != nil {
		return nil, nil, err
	}
	for i := range r.Validation.Len() {
		labels = append(labels, r.Validation.Label(i))
	}
	return interleaved(all), labels, nil
}

// scoreShare returns the logits of this rank's validation images.
func (r *run) scoreShare(ctx context.Context) (logits []float64, err error) {
	if g := r.engine.gradients; g != nil {
		if err := g.Share(); err != nil {
			return nil, err
		}
	}
	stream := r.validation.Epoch(r.streaming(ctx), 0, 0)
	defer stream.Close()
	for {
		b, err := stream.Next()
		if err == io.EOF {
			return logits, nil
		}
		if err != nil {
			return nil, err
		}
		if logits, err = r.engine.score(b, logits); err != nil {
			return nil, err
		}
		stream.Release(b)
	}
}

// endEpoch notes what validation says and saves.
func (r *run) endEpoch(v *metric.Sample, perSecond float64) error {
	s, loss := &r.state, v.NLL()
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("validation loss is %v after step %d: a lower rate, clipping or warm-up may help", loss, s.Step)
	}
	better := s.Best == nil || loss < s.Best.Loss
	rate := r.schedule.rate(r.position() - 1)
	s.Epoch++
	line := EpochLine{Place: r.place(epochLine), Loss: s.Sums.meanLoss(), Norm: s.Sums.meanNorm(), Clipped: s.Sums.Clipped, Skipped: s.Sums.Skipped,
		Rate: rate, Validation: loss, Accuracy: v.At(0).Accuracy(), AUROC: v.AUROC(), Best: better,
		PerSecond: perSecond, Wait: r.epoch.wait(), Seconds: digits(r.epoch.seconds())}
	r.schedule.epoch(loss)
	s.Batch, s.Offset, s.Sums, s.Schedule = 0, 0, sums{}, r.schedule.state()
	switch {
	case s.Stop.epoch(loss, r.Settings.Stop):
		s.Ended = NoBetter
	case s.Epoch == r.Settings.Epochs:
		s.Ended = AllEpochs
	}
	if better {
		s.Best = &Best{s.Epoch, loss}
	}
	if err := r.journal.write(line); err != nil {
		return err
	}
	r.Watch.Epoch(line)
	if better {
		return r.save(BestName, LastName)
	}
	return r.save(LastName)
}

// save writes a checkpoint under one name or two. The best comes first: a run
// that is killed in between goes on from the last, and finds the same best again.
func (r *run) save(names ...string) error {
	if err := r.read(); err != nil {
		return err // and the checkpoint of finite weights stays
	}
	if err := r.readScale(); err != nil || !r.chief() {
		return err
	}
	first := r.dir.file(names[0])
	for i, name := range names {
		path := r.dir.file(name)
		if i > 0 && share(first, path) == nil {
			continue
		}
		if err := r.write(path, &r.state, r.engine.tensors()); err != nil {
			return fmt.Errorf("saving a checkpoint: %w", err)
		}
	}
	r.saved = time.Now()
	return nil
}
