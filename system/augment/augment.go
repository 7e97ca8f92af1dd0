package augment

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"lensbench/system/stretch"
)

// A Policy says how images are varied. Its zero value leaves them as they are,
// to the bit; each field is a kind of variation of its own.
type Policy struct {
	// Dihedral is one of the eight combinations of flips and quarter turns, or
	// one of the four that keep the shape of an image that is not square.
	Dihedral bool `json:"dihedral,omitempty"`
	// Shift is the largest shift along each axis, in whole pixels.
	Shift int `json:"shift,omitempty"`
	// Zoom is the largest change of scale: by a factor between 1/(1+Zoom) and
	// 1+Zoom, about the centre. An object keeps its flux, to the precision of
	// interpolation: values are divided by the factor's square.
	Zoom float64 `json:"zoom,omitempty"`
	// Rotation is the largest angle, either way, in degrees, about the centre.
	Rotation float64 `json:"rotation,omitempty"`
	// Noise is the largest standard deviation of the Gaussian noise that is
	// added, in units of the noise that a band has (see stretch.Noise).
	Noise float64 `json:"noise,omitempty"`
}

// Limits of a Policy; beyond them nothing is left of an image, or of its label.
const (
	MaxShift    = 512
	MaxZoom     = 1.
	MaxRotation = 180.
	MaxNoise    = 10.
)

// Check returns an error if the policy has a strength that is out of range.
func (p Policy) Check() error {
	for _, s := range []struct {
		name       string
		value, max float64
	}{
		{"shift", float64(p.Shift), MaxShift},
		{"zoom", p.Zoom, MaxZoom},
		{"rotation", p.Rotation, MaxRotation},
		{"noise", p.Noise, MaxNoise},
	} {
		if !(s.value >= 0 && s.value <= s.max) {
			return fmt.Errorf("augmentation: %s %g is not between 0 and %g", s.name, s.value, s.max)
		}
	}
	return nil
}

// An Augmenter varies images of one shape. It is for one goroutine.
type Augmenter struct {
	policy        Policy
	height, width int
	sigmas        []float64 // of the noise to add, for each band
	canvas        *canvas   // nil: the policy moves nothing
}

// For returns an Augmenter for images of that shape. The policy must pass Check.
func (p Policy) For(bands, height, width int) *Augmenter {
	a := &Augmenter{policy: p, height: height, width: width, sigmas: make([]float64, bands)}
	if p.Shift > 0 || p.Zoom > 0 || p.Rotation > 0 {
		a.canvas = newCanvas(p, bands, height, width)
	}
	return a
}

// Apply varies image number index, [bands, height, width], in place.
func (a *Augmenter) Apply(image []float32, seed uint64, epoch, index int) {
	if a.policy == (Policy{}) {
		return
	}
	r := newRand(seed, epoch, index)
	v := a.policy.draw(r)
	if v.noise > 0 { // how much there is, before interpolation takes some of it
		for b := range a.sigmas {
			a.sigmas[b] = v.noise * stretch.Noise(a.band(image, b))
		}
	}
	for b := range a.sigmas {
		v.symmetry.apply(a.band(image, b), a.height, a.width)
	}
	if !v.placement.still() {
		a.canvas.place(image, v.placement)
	}
	if v.noise > 0 {
		for b, sigma := range a.sigmas {
			addNoise(a.band(image, b), sigma, r)
		}
	}
}

// band returns the pixels of a band.
func (a *Augmenter) band(image []float32, b int) []float32 {
	each := a.height * a.width
	return image[b*each : (b+1)*each]
}

// newRand returns the generator that belongs to (seed, epoch, index). They are
// the key of a cipher, so that neighbours have nothing in common; its first
// numbers are the seed of a faster generator.
func newRand(seed uint64, epoch, index int) *rand.Rand {
	var key [32]byte
	copy(key[:], "augment")
	binary.LittleEndian.PutUint64(key[8:], seed)
	binary.LittleEndian.PutUint64(key[16:], uint64(epoch))
	binary.LittleEndian.PutUint64(key[24:], uint64(index))
	c := rand.NewChaCha8(key)
	return rand.New(rand.NewPCG(c.Uint64(), c.Uint64()))
}

// A variation is what happens to one image.
type variation struct {
	symmetry  symmetry
	placement placement
	noise     float64 // in units of that of the band
}

// draw draws a variation. It takes the same random numbers whatever the policy
// is, so that each strength can be changed without effect on the rest.
func (p Policy) draw(r *rand.Rand) variation {
	e := symmetry(r.IntN(int(symmetries)))
	symmetric := func() float64 { return 2*r.Float64() - 1 }
	whole := func() int { return int(r.Float64()*float64(2*p.Shift+1)) - p.Shift }
	v := variation{
		placement: placement{
			dx: whole(), dy: whole(),
			zoom:  math.Exp(symmetric() * math.Log1p(p.Zoom)),
			angle: symmetric() * p.Rotation * math.Pi / 180,
		},
		noise: r.Float64() * p.Noise,
	}
	if p.Dihedral {
		v.symmetry = e
	}
	return v
}

// addNoise adds Gaussian noise.
func addNoise(v []float32, sigma float64, r *rand.Rand) {
	for i := range v {
		v[i] += float32(sigma * r.NormFloat64())
	}
}
