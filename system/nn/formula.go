package nn

import (
	"runtime"
	"sync"
)

// increment is SplitMix64's: 2⁶⁴ divided by the golden ratio, made odd.
const increment = 0x9E3779B97F4A7C15

// A Formula is a source of weights and images that needs no file; the package
// comment has its definition.
type Formula struct {
	Seed uint64

	// Scrambled gives every constant, or as good as constant, parameter a bound
	// of 0.25: normalisation layers are then not the identity. It is for tests.
	Scrambled bool
}

const (
	constantBelow  = 1e-3 // bound under which a parameter counts as constant
	scrambledBound = 0.25
)

// Fill sets dst to the elements of a parameter.
func (f Formula) Fill(p *Param, dst []float32) error {
	d := p.Init
	if f.Scrambled && d.Bound < constantBelow {
		d.Bound = scrambledBound
	}
	f.fill(p.Name, d, 0, dst)
	return nil
}

// Uniform sets dst to the elements from number first on of the array called
// name, uniform in [−bound, bound).
func (f Formula) Uniform(name string, bound float32, first int, dst []float32) {
	f.fill(name, Init{Bound: bound}, first, dst)
}

// fill shares the work between the processors: vit_b_16 has 86 million elements.
func (f Formula) fill(name string, d Init, first int, dst []float32) {
	if d.Bound == 0 {
		for i := range dst {
			dst[i] = d.Centre
		}
		return
	}
	const least = 1 << 16 // elements that are worth a goroutine
	key := key(name, f.Seed)
	size := max(least, (len(dst)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for begin := 0; begin < len(dst); begin += size {
		part := dst[begin:min(begin+size, len(dst))]
		group.Go(func() { fillFrom(part, uint64(first+begin), key, d) })
	}
	group.Wait()
}

func fillFrom(dst []float32, first, key uint64, d Init) {
	state := key + first*increment
	for i := range dst {
		state += increment
		u := float32(int32(mix(state)>>40)-1<<23) / (1 << 23)
		// The conversion forbids fusing the two operations into one rounding.
		dst[i] = d.Centre + float32(d.Bound*u)
	}
}

func key(name string, seed uint64) uint64 { return mix(fnv1a(name) ^ mix(seed)) }

func fnv1a(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// SubSeed returns the seed of part number n ≥ 0 of what has a seed, such as a batch of
// a data set: that element of SplitMix64's sequence, so that neighbours have nothing
// in common.
func SubSeed(seed uint64, n int) uint64 { return mix(seed + increment*(uint64(n)+1)) }

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
