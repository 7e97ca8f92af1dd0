package ranks

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"lensbench/system/loader"
	"lensbench/torch"
)

// dots are images of one pixel.
type dots int

func (d dots) Len() int                        { return int(d) }
func (d dots) Shape() (bands, height, w int)   { return 1, 1, 1 }
func (d dots) Label(i int) int                 { return i % 2 }
func (d dots) Name(i int) string               { return fmt.Sprint(i) }
func (d dots) Read(i int, dst []float32) error { dst[0] = float32(i); return nil }

const sampled = 37 // images, so that 2 and 3 ranks have unequal shares

func init() {
	children["sampler"] = asRank(func(t *Team, sc *torch.Scope) error {
		for epoch := range 2 {
			c := loader.Config{Batch: 4, Shuffle: true, Seed: 3, Rank: t.Rank, World: t.World}
			if os.Getenv("SABOTAGE") != "" {
				c.Rank = 0
			}
			mine, err := indexes(c, epoch)
			if err != nil {
				return err
			}
			all, err := t.Gather(sc, mine)
			if err != nil {
				return err
			}
			if err := once(all); err != nil {
				return err
			}
		}
		return nil
	})
	// Steps need equally many batches in all ranks: as many as the smallest share has.
	children["steps"] = asRank(func(t *Team, sc *torch.Scope) error {
		l, err := loader.New(dots(sampled), loader.Config{Batch: 4, Rank: t.Rank, World: t.World, DropLast: true})
		if err != nil {
			return err
		}
		if least := Steps(sampled, 4, t.World); l.Batches() < least {
			return fmt.Errorf("%d batches, want %d or more", l.Batches(), least)
		}
		return nil
	})
}

// indexes returns the images of an epoch.
func indexes(c loader.Config, epoch int) (index []float64, err error) {
	l, err := loader.New(dots(sampled), c)
	if err != nil {
		return nil, err
	}
	s := l.Epoch(context.Background(), epoch, 0)
	defer s.Close()
	for {
		b, err := s.Next()
		if err == io.EOF {
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

// once returns an error unless each image is there once.
func once(all [][]float64) error {
	seen := make([]int, sampled)
	for _, of := range all {
		for _, i := range of {
			seen[int(i)]++
		}
	}
	for i, n := range seen {
		if n != 1 {
			return fmt.Errorf("image %d is seen %d times", i, n)
		}
	}
	return nil
}

func TestEveryImageOncePerEpoch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		succeeds(t, "sampler", n)
		succeeds(t, "steps", n)
		if out, err := runs(t, "sampler", n, "SABOTAGE=1"); err == nil || !strings.Contains(err.Error(), "times") {
			t.Errorf("%d ranks with the same images: %v, want an image that is not seen once\n%s", n, err, out)
		}
	}
}
