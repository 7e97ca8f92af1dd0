package ranks

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"lensbench/system/loader"
	"lensbench/torch"
)

const sampled = 37 // images, so that 2 and 3 ranks have unequal shares

func init() {
	children["covers"] = asRank(func(t *Team, sc *torch.Scope) error {
		c := loader.Config{Batch: 4, Shuffle: true, DropLast: true, Seed: 3, Rank: t.Rank, World: t.World}
		if os.Getenv("SABOTAGE") != "" {
			c.Rank = 0
		}
		for epoch := range 2 {
			if err := t.Covers(sc, c, sampled, epoch); err != nil {
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

func TestEveryImageOncePerEpoch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		succeeds(t, "covers", n)
		succeeds(t, "steps", n)
		if out, err := runs(t, "covers", n, "SABOTAGE=1"); err == nil || !strings.Contains(err.Error(), "times") {
			t.Errorf("%d ranks with the same images: %v, want an image that is not seen once\n%s", n, err, out)
		}
	}
}

// A sampler that repeats images, or leaves some out, is found.
func TestOnce(t *testing.T) {
	if err := once([][]float64{{0, 2}, {1, 3}}, 4); err != nil {
		t.Error(err)
	}
	for _, all := range [][][]float64{{{0, 2}, {0, 2}}, {{0, 2}, {1}}, {{0, 1, 2}, {1, 3}}} {
		if err := once(all, 4); err == nil || !strings.Contains(err.Error(), "times by 2 ranks, not once") {
			t.Errorf("%v: %v", all, err)
		}
	}
}
