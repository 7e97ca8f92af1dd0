package loader

import (
	"slices"
	"strings"
	"testing"
)

func TestShufflePermutes(t *testing.T) {
	l := newLoader(t, numbered{n: 50}, Config{Batch: 8, Shuffle: true, Seed: 1})
	e0, _ := epoch(l, 0, 0)
	e1, _ := epoch(l, 1, 0)
	for _, e := range [][]copied{e0, e1} {
		if i := indexes(e); slices.IsSorted(i) || !isPermutation(i, 50) {
			t.Errorf("epoch has images %v, want each of 50 once, not in order", i)
		}
	}
	if slices.Equal(indexes(e0), indexes(e1)) {
		t.Error("two epochs have the same order")
	}
	other, _ := epoch(newLoader(t, numbered{n: 50}, Config{Batch: 8, Shuffle: true, Seed: 2}), 0, 0)
	if slices.Equal(indexes(e0), indexes(other)) {
		t.Error("two seeds give the same order")
	}
}

// The order is part of what a run with a seed means: no change of the program
// or of Go may change it unnoticed.
func TestThePermutationStays(t *testing.T) {
	want := []int{7, 5, 8, 9, 0, 6, 2, 1, 3, 4}
	if got := permutation(10, 42, 3); !slices.Equal(got, want) {
		t.Errorf("permutation is %v, want %v", got, want)
	}
}

// Each image comes first about equally often: 6,000 draws of 6, so that each
// place has 1000 ± 29; 5 standard deviations are allowed.
func TestPermutationsAreFair(t *testing.T) {
	var count [6][6]int
	for e := range 6000 {
		for place, i := range permutation(6, 9, e) {
			count[place][i]++
		}
	}
	for place, c := range count {
		for i, n := range c {
			if n < 855 || n > 1145 {
				t.Errorf("image %d is in place %d %d times of 6000, want about 1000", i, place, n)
			}
		}
	}
}

func isPermutation(index []int, n int) bool {
	sorted := slices.Sorted(slices.Values(index))
	for i, k := range sorted {
		if i != k {
			return false
		}
	}
	return len(sorted) == n
}

func TestRanksShareAnEpoch(t *testing.T) {
	for _, c := range []struct{ n, world int }{{10, 1}, {10, 2}, {10, 3}, {3, 5}, {1, 4}, {12, 4}} {
		for _, shuffle := range []bool{false, true} {
			exact := ranks(c.n, Config{World: c.world, Shuffle: shuffle, Seed: 8})
			if all := slices.Concat(exact...); !isPermutation(all, c.n) {
				t.Errorf("%d images, %d ranks: %v, want each once", c.n, c.world, exact)
			}
			even := ranks(c.n, Config{World: c.world, Shuffle: shuffle, Seed: 8, Even: true})
			each := (c.n + c.world - 1) / c.world
			seen := map[int]int{}
			for _, mine := range even {
				if len(mine) != each {
					t.Errorf("%d images, %d ranks: a rank has %d of them, want %d", c.n, c.world, len(mine), each)
				}
				for _, i := range mine {
					seen[i]++
				}
			}
			if len(seen) != c.n {
				t.Errorf("%d images, %d ranks: %v misses some", c.n, c.world, even)
			}
			for i, times := range seen {
				if most := (each*c.world + c.n - 1) / c.n; times > most {
					t.Errorf("%d images, %d ranks: image %d comes %d times, want at most %d", c.n, c.world, i, times, most)
				}
			}
		}
	}
}

// ranks returns the images of each rank in epoch 1.
func ranks(n int, c Config) (all [][]int) {
	for c.Rank = range c.World {
		all = append(all, c.order(n, 1))
	}
	return all
}

// The worked example is what PyTorch 2.11 gives for
// DistributedSampler(range(5), num_replicas=3, rank=r, shuffle=False).
func TestRanksAreThoseOfDistributedSampler(t *testing.T) {
	got := ranks(5, Config{World: 3, Even: true})
	want := [][]int{{0, 3}, {1, 4}, {2, 0}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("ranks have %v, want %v", got, want)
	}
}

// What is skipped is the beginning of the common order, which any number of ranks has
// used: the rest is shared as ever, and no image comes twice.
func TestSkipLeavesOutTheBeginning(t *testing.T) {
	const n = 11
	for _, shuffle := range []bool{false, true} {
		whole := Config{World: 1, Shuffle: shuffle, Seed: 8}.order(n, 1)
		for _, world := range []int{1, 2, 3} {
			for _, skip := range []int{0, 1, 4, n - 1, n} {
				rest := whole[skip:]
				for rank := range world {
					c := Config{Batch: 2, World: world, Rank: rank, Shuffle: shuffle, Seed: 8, Skip: skip}
					var want []int
					for i := rank; i < len(rest); i += world {
						want = append(want, rest[i])
					}
					l := newLoader(t, numbered{n: n}, c)
					all, err := epoch(l, 1, 0)
					if got := indexes(all); err != nil || !slices.Equal(got, want) || l.Images() != len(want) || l.Batches() != len(all) {
						t.Errorf("%+v: images %v of %d in %d batches (%v), want %v", c, got, l.Images(), l.Batches(), err, want)
					}
				}
			}
		}
	}
}

// Even has equally many for all of what is left, beginning anew behind Skip.
func TestSkipWithEven(t *testing.T) {
	got := ranks(7, Config{World: 2, Even: true, Skip: 2})
	want := [][]int{{2, 4, 6}, {3, 5, 2}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("ranks have %v, want %v", got, want)
	}
}

func TestSkipIsRefused(t *testing.T) {
	for skip, want := range map[int]string{-1: "skip -1, want 0 or more images", 8: "skip 8, there are 7 images"} {
		if _, err := New(numbered{n: 7}, Config{Batch: 1, Skip: skip}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("skip %d: %v, want %q", skip, err, want)
		}
	}
}

func TestOnlyDropLastDrops(t *testing.T) {
	for _, c := range []struct {
		n, world, rank  int
		drop            bool
		batches, images int
	}{
		{10, 1, 0, false, 3, 10},
		{10, 1, 0, true, 2, 8},
		{8, 1, 0, true, 2, 8},
		{3, 1, 0, true, 0, 0},
		{10, 2, 0, false, 2, 5},
		{9, 2, 1, false, 1, 4},
		{1, 2, 1, false, 0, 0},
	} {
		l := newLoader(t, numbered{n: c.n}, Config{Batch: 4, DropLast: c.drop, Rank: c.rank, World: c.world})
		all, err := epoch(l, 0, 0)
		if l.Batches() != c.batches || l.Images() != c.images || len(all) != c.batches || len(indexes(all)) != c.images || err != nil {
			t.Errorf("%+v: %d batches of %d images, got %d of %d (%v)", c, l.Batches(), l.Images(), len(all), len(indexes(all)), err)
		}
	}
}
