package worker

import (
	"slices"
	"time"

	"lensbench/protocol"
	"lensbench/system/loader"
	"lensbench/torch"
)

// world is the number of ranks, and rank which this is.
func (w *training) world() int { return max(w.settings.Ranks, 1) }

func (w *training) rank() int {
	if w.team == nil {
		return 0
	}
	return w.team.Rank
}

// barrier waits for the other ranks, if there are any.
func (w *training) barrier() error {
	if w.team == nil {
		return nil
	}
	return w.team.Barrier()
}

// localStep makes a step of this rank's images without the others, while they do the
// same, and returns how long it took. Weights differ after it until the next rewind.
func (w *training) localStep() (seconds float64, err error) {
	exchange := w.stepper.Exchange
	w.stepper.Exchange = nil
	defer func() { w.stepper.Exchange = exchange }()
	err = w.lane.Do(func(sc *torch.Scope) error {
		if err := w.barrier(); err != nil {
			return err
		}
		begin := time.Now()
		_, err := w.step(sc)
		sc.Synchronize(w.place)
		seconds = time.Since(begin).Seconds()
		return err
	})
	return seconds, err
}

// communication compares the steps of a sample, of that mean time, with one in which
// ranks do not exchange gradients, and adds figures to out. What a step takes longer is
// communication: sending, and waiting for who is slower. The spread is of the steps
// without exchange, since in the others all wait for the slowest.
func (w *training) communication(out map[string]protocol.Number, step float64) error {
	var own float64
	replies, err := w.company.do(rankRequest{Op: rankLocal}, func() (err error) {
		own, err = w.localStep()
		return err
	})
	if err != nil {
		return err
	}
	all := []float64{own}
	for _, r := range replies {
		all = append(all, r.Seconds)
	}
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	mean := sum / float64(len(all))
	out["communication_share"] = protocol.Number(1 - mean/step)
	out["shared_exchange"] = 0
	if w.exchange.Shared() {
		out["shared_exchange"] = 1
	}
	out["straggler_spread"] = protocol.Number((slices.Max(all) - slices.Min(all)) / mean)
	return nil
}

// mean sets a tensor to its mean over the ranks.
func (w *training) mean(sc *torch.Scope, t *torch.Tensor) (*torch.Tensor, error) {
	if w.team == nil {
		return t, nil
	}
	if err := w.team.AllReduce(t); err != nil {
		return nil, err
	}
	return sc.MulScalar(t, 1/float64(w.world())), nil
}

// coverage returns an error unless the ranks see every image of an epoch once.
func (w *training) coverage(sc *torch.Scope) error {
	if w.team == nil {
		return nil
	}
	for epoch := range 2 {
		if err := w.team.Covers(sc, w.sampler(), w.settings.Images, epoch); err != nil {
			return err
		}
	}
	return nil
}

// sampler says which images this rank takes and in what order.
func (w *training) sampler() loader.Config { return samplerOf(w.settings, w.rank()) }

func samplerOf(c protocol.Settings, rank int) loader.Config {
	return loader.Config{Batch: c.Batch, Shuffle: true, DropLast: true, Seed: uint64(c.Seed), Rank: rank, World: max(c.Ranks, 1)}
}
