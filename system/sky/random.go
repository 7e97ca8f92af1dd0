package sky

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// A stream names one use of random numbers within an image. Streams are
// independent, so that a change of the noise leaves the scenes as they are.
type stream uint32

const (
	sceneStream     stream = 1
	conditionStream stream = 2
	noiseStream     stream = 1 << 16 // plus the number of the band
)

// newRand returns the generator that belongs to (seed, index, stream) and to
// nothing else. The three are the key of a ChaCha8 cipher, so that neighbouring
// keys have nothing in common.
func newRand(seed uint64, index int, s stream) *rand.Rand {
	var key [32]byte
	copy(key[:], "lensbench/sky")
	binary.LittleEndian.PutUint32(key[13:], uint32(s))
	binary.LittleEndian.PutUint64(key[16:], seed)
	binary.LittleEndian.PutUint64(key[24:], uint64(index))
	return rand.New(rand.NewChaCha8(key))
}

// A draw is one way of taking a parameter from a distribution.
type draw struct{ *rand.Rand }

func (d draw) uniform(lo, hi float64) float64 { return lo + (hi-lo)*d.Float64() }

func (d draw) logUniform(lo, hi float64) float64 {
	return math.Exp(d.uniform(math.Log(lo), math.Log(hi)))
}

// normal draws from a normal distribution within [lo, hi].
func (d draw) normal(mean, sigma, lo, hi float64) float64 {
	for {
		if v := mean + sigma*d.NormFloat64(); lo <= v && v <= hi {
			return v
		}
	}
}

// angle draws a position angle.
func (d draw) angle() float64 { return d.uniform(0, math.Pi) }

// disc draws a point of a disc, all areas alike.
func (d draw) disc(radius float64) (x, y float64) {
	return polar(radius*math.Sqrt(d.Float64()), d.uniform(0, 2*math.Pi))
}

func polar(r, phi float64) (x, y float64) {
	sin, cos := math.Sincos(phi)
	return r * cos, r * sin
}
