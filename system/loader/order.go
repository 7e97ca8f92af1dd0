package loader

import (
	"encoding/binary"
	"math/rand/v2"
)

// share returns how many of n images this rank takes in an epoch.
func (c Config) share(n int) int {
	n -= c.Skip
	if c.Even {
		return (n + c.World - 1) / c.World
	}
	return (n + c.World - 1 - c.Rank) / c.World
}

// order returns the images of this rank in an epoch: of the common order those
// at Rank, Rank+World, … behind Skip, beginning anew behind its end if Even asks for
// more. This is the rule of PyTorch's DistributedSampler.
func (c Config) order(n, epoch int) []int {
	common := func(i int) int { return i }
	if c.Shuffle {
		shuffled := permutation(n, c.Seed, epoch)
		if c.World == 1 {
			return shuffled[c.Skip:]
		}
		common = func(i int) int { return shuffled[i] }
	}
	mine := make([]int, c.share(n))
	for k := range mine {
		mine[k] = common(c.Skip + (c.Rank+k*c.World)%(n-c.Skip))
	}
	return mine
}

// permutation returns that of 0, …, n-1 which belongs to (seed, epoch): a
// Fisher–Yates shuffle with a generator of its own. The two are the key of a
// cipher, so that neighbouring seeds and epochs have nothing in common.
func permutation(n int, seed uint64, epoch int) []int {
	var key [32]byte
	copy(key[:], "lensbench/loader")
	binary.LittleEndian.PutUint64(key[16:], seed)
	binary.LittleEndian.PutUint64(key[24:], uint64(epoch))
	return rand.New(rand.NewChaCha8(key)).Perm(n)
}
