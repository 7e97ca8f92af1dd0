package verdict

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

const bootstrapResamples = 1000

// A resampler draws restarts with replacement, as many as there are: a cluster
// bootstrap. It keeps the blocks of a restart together because they share
// their processes.
type resampler struct {
	clusters
	rng   *rand.Rand
	times []int // times[r]: how often restart r was drawn
	n     int   // values of all drawn restarts
}

func newResampler(c clusters) *resampler {
	return &resampler{clusters: c, rng: c.rng(),
		times: make([]int, len(c.rows))}
}

// rng makes random numbers that depend on the data alone.
func (c clusters) rng() *rand.Rand { return rand.New(rand.NewPCG(c.hash(), 0)) }

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
	for range s.rows {
		r := s.rng.IntN(len(s.rows))
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
