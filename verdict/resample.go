package verdict

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	bootstrapResamples = 1000
	powerResamples     = 200
	power              = 0.95 // of the minimum detectable effect
)

// A resampler draws restarts with replacement, as many as there are: a cluster
// bootstrap. It keeps the blocks of a restart together because they share
// their processes.
type resampler struct {
	clusters
	rng   *rand.Rand
	picks []int // drawn restarts
	times []int // times[r]: how often restart r was drawn
	n     int   // values of all drawn restarts
}

func newResampler(c clusters) *resampler {
	return &resampler{clusters: c, rng: rand.New(rand.NewPCG(c.hash(), bootstrapResamples)),
		picks: make([]int, len(c.rows)), times: make([]int, len(c.rows))}
}

// hash is that of the magnitudes of the log-ratios, restart by restart. Blocks
// in another order, or arms exchanged, give the same draws.
func (c clusters) hash() uint64 {
	h := fnv.New64a()
	var word [8]byte
	put := func(v uint64) {
		binary.LittleEndian.PutUint64(word[:], v)
		h.Write(word[:])
	}
	for _, row := range c.rows {
		put(uint64(len(row)))
		magnitudes := make([]float64, len(row))
		for i, x := range row {
			magnitudes[i] = math.Abs(x)
		}
		slices.Sort(magnitudes)
		for _, x := range magnitudes {
			put(math.Float64bits(x))
		}
	}
	return h.Sum64()
}

// draw makes the next resample.
func (s *resampler) draw() {
	clear(s.times)
	s.n = 0
	for i := range s.picks {
		r := s.rng.IntN(len(s.rows))
		s.picks[i] = r
		s.times[r]++
		s.n += len(s.rows[r])
	}
}

// medians returns the lower and the upper median of the resample.
func (s *resampler) medians() (lower, upper float64) {
	seen, found := 0, false
	for i, x := range s.pool {
		seen += s.times[s.owner[i]]
		if !found && seen > (s.n-1)/2 {
			lower, found = x, true
		}
		if seen > s.n/2 {
			return lower, x
		}
	}
	panic("unreachable: the resample has values")
}

// bootstrap is the percentile interval of the median under resampling.
func bootstrap(c clusters, confidence float64) (low, high float64) {
	s := newResampler(c)
	medians := make([]float64, bootstrapResamples)
	for i := range medians {
		s.draw()
		medians[i] = mid(s.medians())
	}
	slices.Sort(medians)
	skip := int(math.Floor((1 - confidence) / 2 * bootstrapResamples))
	return medians[skip], medians[len(medians)-1-skip]
}

// detectable is the smallest shift that the test, one-sided at level, finds in
// at least 95 % of resamples whose true shift it is, in the direction that is
// harder to see.
//
// A resample of data around c's median, shifted up by d, is rejected exactly
// if d exceeds the distance from that median to the resample's lower bound: a
// shift moves the bound with the data. So no shift need be planted; the answer
// is the 95th percentile of those distances.
func detectable(c clusters, level float64) float64 {
	s := newResampler(c)
	up, down := newFlipTest(c), newFlipTest(c.mirrored())
	upRows, downRows := up.rows, down.rows
	downPool := down.pool
	centre := c.median()
	rise, fall := make([]float64, powerResamples), make([]float64, powerResamples)
	for i := range rise {
		s.draw()
		lower, upper := s.medians()
		up.reset(pick(upRows, s.picks), c.pool, lower, s.n)
		down.reset(pick(downRows, s.picks), downPool, -upper, s.n)
		rise[i], fall[i] = centre-up.bound(level), -centre-down.bound(level)
	}
	slices.Sort(rise)
	slices.Sort(fall)
	i := NearestRank(power, powerResamples) - 1
	return max(rise[i], fall[i])
}

func pick(rows [][]float64, picks []int) [][]float64 {
	out := make([][]float64, len(picks))
	for i, r := range picks {
		out[i] = rows[r]
	}
	return out
}
