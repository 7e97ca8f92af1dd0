package traffic

import "math"

// An Arrivals is a Poisson process.
type Arrivals struct {
	rate  float64 // per second
	state uint64
	at    float64 // s, of the latest arrival
}

// Poisson returns the arrivals of that rate, per second and above 0, that belong to a
// seed.
func Poisson(rate float64, seed uint64) *Arrivals { return &Arrivals{rate: rate, state: seed} }

// Next returns when the next one arrives, in seconds from the beginning.
func (a *Arrivals) Next() float64 {
	a.at += -math.Log1p(-a.uniform()) / a.rate
	return a.at
}

// uniform returns the next number in [0, 1) of SplitMix64, of 53 bits.
func (a *Arrivals) uniform() float64 {
	a.state += 0x9E3779B97F4A7C15
	z := a.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return float64((z^z>>31)>>11) / (1 << 53)
}
