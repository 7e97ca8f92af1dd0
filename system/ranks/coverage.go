package ranks

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lensbench/system/loader"
	"lensbench/torch"
)

// Covers returns an error unless the ranks, each by its own loader, see every one of
// so many images once in an epoch. Of c it takes the batch, the order and the place
// among the ranks; a last batch that is not full counts. All ranks call it.
func (t *Team) Covers(sc *torch.Scope, c loader.Config, images, epoch int) error {
	own, err := seen(c, images, epoch)
	if err != nil {
		return err
	}
	all, err := t.Gather(sc, own)
	if err != nil {
		return err
	}
	if err := once(all, images); err != nil {
		return fmt.Errorf("epoch %d: %w", epoch, err)
	}
	return nil
}

// seen returns the images of one rank in an epoch.
func seen(c loader.Config, images, epoch int) (index []float64, err error) {
	c.DropLast = false
	l, err := loader.New(dots(images), c)
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

// dots are images of one pixel.
type dots int

func (d dots) Len() int                          { return int(d) }
func (d dots) Shape() (bands, height, width int) { return 1, 1, 1 }
func (d dots) Label(i int) int                   { return i % 2 }
func (d dots) Name(i int) string                 { return fmt.Sprint(i) }
func (d dots) Read(i int, dst []float32) error   { dst[0] = float32(i); return nil }
