package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// coverage returns an error unless the ranks, each by its own loader, see every image
// of an epoch once.
func (w *training) coverage(sc *torch.Scope) error {
	if w.team == nil {
		return nil
	}
	for epoch := range 2 {
		own, err := w.seen(epoch)
		if err != nil {
			return err
		}
		all, err := w.team.Gather(sc, own)
		if err != nil {
			return err
		}
		if err := once(all, w.settings.Images); err != nil {
			return fmt.Errorf("epoch %d: %w", epoch, err)
		}
	}
	return nil
}

// once returns an error unless ranks have seen each of n images once.
func once(all [][]float64, n int) error {
	count := make([]int, n)
	for _, of := range all {
		for _, i := range of {
			count[int(i)]++
		}
	}
	for i, times := range count {
		if times != 1 {
			return fmt.Errorf("image %d of %d is seen %d times by %d ranks, not once", i, n, times, len(all))
		}
	}
	return nil
}

// seen returns the images that this rank sees in an epoch, with the last of a batch
// that is not full.
func (w *training) seen(epoch int) (index []float64, err error) {
	c := w.sampler()
	c.DropLast = false
	l, err := loader.New(numbers(w.settings.Images), c)
	if err != nil {
		return nil, err
	}
	s := l.Epoch(context.Background(), epoch, 0)
	defer s.Close()
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			return index, nil
		}
		if err != nil {
			return nil, err
		}
		for _, i := range b.Index {
			index = append(index, float64(i))
		}
		s.Release(b)
	}
}

// sampler says which images this rank takes and in what order.
func (w *training) sampler() loader.Config { return samplerOf(w.settings, w.rank()) }

func samplerOf(c protocol.Settings, rank int) loader.Config {
	return loader.Config{Batch: c.Batch, Shuffle: true, DropLast: true, Seed: uint64(c.Seed), Rank: rank, World: max(c.Ranks, 1)}
}

// numbers are images of one pixel.
type numbers int

func (n numbers) Len() int                          { return int(n) }
func (n numbers) Shape() (bands, height, width int) { return 1, 1, 1 }
func (n numbers) Label(i int) int                   { return i % 2 }
func (n numbers) Name(i int) string                 { return fmt.Sprint(i) }
func (n numbers) Read(i int, dst []float32) error   { dst[0] = float32(i); return nil }
