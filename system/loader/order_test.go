package loader

import (
	"slices"
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
