package worker

import (
	"errors"

	"lensbench/protocol"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/system/ranks"
	"lensbench/system/step"
	"lensbench/torch"
)

// A training is one network that is trained on one step's images in memory, or on
// images on disk. One iteration is one step, of all ranks if there are several: then
// this process is one of them; or with a budget it is a number of images.
type training struct {
	*company // the other ranks, in rank 0 of several; else nil
	settings protocol.Settings
	team     *ranks.Team // nil: one rank
	exchange *ranks.Gradients
	cache    string // directory for simulated images
	place    torch.Place
	lane     *nn.Lane
	model    *model.Model
	stepper  *step.Stepper
	source   source
	ration   *ration // nil: an iteration is one step
	watch    watch
	health   health
	short    shortTraining
	initial  [][]float32 // values of all parameters before the first step; not tensors, so that they are no part of what is measured
}

// openTraining prepares the work that the settings say, in all ranks.
func (s *Server) openTraining(c protocol.Settings, cache string) (work, error) {
	if c.Ranks <= 1 {
		w, err := openRank(c, cache, nil, nil)
		if err != nil {
			return nil, err
		}
		return w, nil
	}
	if _, err := stepSettings(c); err != nil { // said once, by this rank
		return nil, err
	}
	if c.Threads == 0 {
		c.Threads = max(1, torch.DefaultThreads()/c.Ranks)
	}
	others, err := convene(s.Rank, rankRequest{Op: rankOpen, Settings: c, Cache: cache, Count: s.counts})
	if err != nil {
		return nil, err
	}
	w, err := openRank(c, cache, others.team, others)
	if err == nil {
		_, err = others.receive()
	}
	if err != nil {
		err = others.leave(err)
		if w != nil {
			w.closeRank()
		}
		return nil, err
	}
	return w, nil
}

// openRank prepares the part of one rank.
func openRank(c protocol.Settings, cache string, team *ranks.Team, others *company) (*training, error) {
	s, err := stepSettings(c)
	if err != nil {
		return nil, err
	}
	m, err := model.New(c.Model, c.Bands)
	if err != nil {
		return nil, err
	}
	for _, side := range append([]int{c.Pixels}, s.Multi.Scales...) {
		if err := m.CheckSize(side, side); err != nil {
			return nil, refuse(protocol.Unsupported, "%v", err)
		}
	}
	w := &training{company: others, settings: c, team: team, cache: cache, model: m, short: finalTraining}
	if w.place, err = w.findPlace(); err != nil {
		return nil, err
	}
	w.watch = watch{monitor: c.Monitor, counts: countsSteps(c), place: w.place}
	if w.lane, err = nn.OpenLane(torch.Session{Threads: c.Threads}); err != nil {
		return nil, err
	}
	if c.Budget > 0 {
		w.ration = newRation(c)
	}
	if err := w.lane.Do(func(sc *torch.Scope) error { return w.load(sc, s) }); err != nil {
		w.closeRank()
		return nil, err
	}
	return w, nil
}

// findPlace returns where the steps of this rank are made: each rank of a machine takes
// the next device.
func (w *training) findPlace() (p torch.Place, err error) {
	if w.settings.Device != protocol.DeviceCUDA {
		return p, nil
	}
	all, err := torch.CUDAPlaces()
	if err != nil {
		return p, refuse(protocol.Unsupported, "%v", err)
	}
	return all[w.rank()%len(all)], nil
}

// load makes the tensors, which stay until the lane is closed.
func (w *training) load(sc *torch.Scope, s step.Settings) (err error) {
	formula := nn.Formula{Seed: uint64(w.settings.Seed)}
	w.stepper, err = step.New(sc, w.model, formula, s, step.Options{Input: w.settings.Pixels, Decay: optim.DefaultDecay, Clip: optim.DefaultClip, Place: w.place})
	if err != nil {
		return err
	}
	w.stepper.Keep(sc)
	w.health = newHealth(sc, w.place)
	if w.team != nil && w.place.CUDA {
		if err := w.team.OnDevices(); err != nil {
			return err
		}
	}
	if w.team != nil {
		if w.exchange, err = ranks.NewGradients(w.team, w.model.Params, torch.ReducerConfig{Sent: w.settings.Exchange == "gloo"}); err != nil {
			return err
		}
		if exchanging {
			w.stepper.Exchange = w.exchange
		}
	}
	if w.source, err = w.openSource(sc, formula); err != nil {
		return err
	}
	for _, t := range w.tensors() {
		v := make([]float32, t.Numel())
		if err := t.CopyFloat32(v); err != nil {
			return err
		}
		w.initial = append(w.initial, v)
	}
	return nil
}

// exchanging is false in tests of what finds gradients that are not averaged.
var exchanging = true

func (w *training) openSource(sc *torch.Scope, f nn.Formula) (source, error) {
	if w.settings.Source != "disk" {
		return newMemory(sc, f, w.place, w.settings, w.rank(), max(w.settings.Accumulate, 1)), nil
	}
	d, err := openDisk(w.settings, w.place, w.cache, w.rank())
	if err != nil {
		return nil, err
	}
	return d, nil
}

// tensors are those of all parameters.
func (w *training) tensors() (out []*torch.Tensor) {
	for _, p := range w.model.Params.All() {
		if !p.Counter {
			out = append(out, p.T())
		}
	}
	return out
}

func (w *training) facts() protocol.Facts {
	flop, images := 0.0, w.settings.Batch*w.stepper.Settings.MicroBatches()
	if w.ration != nil {
		images = w.ration.images
	}
	for _, side := range w.sides() {
		flop += w.model.Cost(side).FLOP()
	}
	return protocol.Facts{
		Parameters:        w.model.Params.Trainable(),
		WeightBytes:       w.model.Params.Bytes(),
		FLOPPerItem:       3 * flop, // backward, each product has two gradients
		ItemsPerIteration: images * w.world(),
		Threads:           w.lane.Threads(),
	}
}

// sides are those at which the network sees each image.
func (w *training) sides() []int {
	if m := w.stepper.Settings.Multi; len(m.Scales) > 0 {
		return m.Scales
	}
	return []int{w.settings.Pixels}
}

// rewind goes back to the first weights, the first state of the optimiser, and
// the seed of the random numbers: on one batch, a loss would vanish otherwise.
func (w *training) rewind() error {
	_, err := w.company.do(rankRequest{Op: rankRewind}, w.rewindRank)
	return err
}

func (w *training) rewindRank() error {
	return w.lane.Do(func(sc *torch.Scope) error { w.restart(sc); return nil })
}

func (w *training) restart(sc *torch.Scope) {
	sc.Seed(uint64(w.settings.Seed))
	sc.NoGrad(func() {
		for i, t := range w.tensors() {
			sc.CopyFrom(t, w.initial[i])
		}
	})
	w.stepper.Reset(sc)
}

func (w *training) iterate(n int, c *clock) error {
	_, err := w.company.do(rankRequest{Op: rankIterate, Iterations: n}, func() error { return w.iterateRank(n, c) })
	return err
}

// iterateRank makes steps, from when all ranks are there to when all have ended.
func (w *training) iterateRank(n int, c *clock) error {
	return w.lane.Do(func(sc *torch.Scope) error {
		w.watch.begin(sc)
		if err := w.health.begin(sc, w.stepper.AdamW.Scaler); err != nil {
			return err
		}
		sc.Synchronize(w.place)
		if err := w.barrier(); err != nil {
			return err
		}
		c.start()
		for i := range n {
			if err := w.iteration(sc); err != nil {
				return err
			}
			sc.Synchronize(w.place) // an iteration is over when the device has done it
			if i == n-1 {
				if err := w.barrier(); err != nil {
					return err
				}
			}
			c.lap()
		}
		return nil
	})
}

// iteration is one step, or as many as a portion of images takes.
func (w *training) iteration(sc *torch.Scope) error {
	if w.ration != nil {
		return w.portion(sc)
	}
	loss, err := w.step(sc)
	if err != nil {
		return err
	}
	loss.Free()
	_, err = w.watch.step(sc)
	return err
}

// tensorPeaks are those since the last iterate began.
func (w *training) tensorPeaks() torch.Peaks { return w.watch.since() }

// extra is what gradients, a budget, a monitor and ranks have to say of the last
// iterate. Memory that is counted is that of its steps alone, without those that
// communication makes.
func (w *training) extra(step float64) (map[string]protocol.Number, error) {
	out := map[string]protocol.Number{}
	if err := w.healthExtra(out); err != nil {
		return nil, err
	}
	if w.place.CUDA {
		out["device_peak"] = protocol.Number(w.watch.devicePeak)
	}
	if w.company != nil && !torch.CountingMemory() {
		return out, w.communication(out, step)
	}
	if w.ration != nil {
		w.ration.extra(out, max(w.watch.peaks.All.Total(), w.watch.devicePeak))
	}
	if w.watch.monitor != "" {
		out["monitor_peak"] = protocol.Number(w.watch.peak)
	}
	return out, nil
}

// step makes one step and returns its loss.
func (w *training) step(sc *torch.Scope) (loss *torch.Tensor, err error) {
	sc.Scoped(func(sc *torch.Scope) {
		if loss, err = w.add(sc); err == nil {
			loss = sc.Keep(loss)
			w.update(sc)
		}
	})
	return loss, err
}

// add adds up the gradients of a step and returns its loss, of this rank's images.
func (w *training) add(sc *torch.Scope) (sum *torch.Tensor, err error) {
	return w.addFrom(sc, w.source, w.stepper.Settings.MicroBatches())
}

// addFrom adds up the gradients of n micro-batches.
func (w *training) addFrom(sc *torch.Scope, from source, n int) (sum *torch.Tensor, err error) {
	for i := range n {
		w.stepper.Last = i == n-1
		images, labels, err := from.next(sc)
		if err != nil {
			return nil, err
		}
		loss := w.stepper.Add(sc, images, labels, 1/float64(n))
		from.release()
		if sum != nil {
			loss = sc.Add(sum, loss)
		}
		sum = loss
	}
	return sum, nil
}

func (w *training) close() error {
	err := w.company.leave(nil)
	return errors.Join(err, w.closeRank())
}

func (w *training) closeRank() error {
	if w.exchange != nil {
		w.exchange.Free()
	}
	if w.source != nil {
		w.source.close()
	}
	w.model.Params.Free()
	return w.lane.Close()
}
