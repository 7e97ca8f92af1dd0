package sky

import "fmt"

// Version names the generator. It changes whenever the images of a seed do.
const Version = "lensbench-sky-3"

// A Simulator makes the noisy images of a survey. Image i of a seed is the same
// bytes whichever simulator makes it, and in which order. It keeps buffers and
// is for one goroutine at a time.
type Simulator struct {
	preset   Preset
	seed     uint64
	grid     Grid
	renderer *Renderer
}

// NewSimulator returns a simulator of square images of this many pixels.
func NewSimulator(p Preset, seed uint64, pixels int) *Simulator {
	grid := Grid{Pixels: pixels, Scale: p.Scale}
	return &Simulator{preset: p, seed: seed, grid: grid, renderer: NewRenderer(grid, Simulation)}
}

// Len returns the number of values in an image.
func (s *Simulator) Len() int { return len(s.preset.Bands) * s.grid.Pixels * s.grid.Pixels }

// Image writes image index to dst, [bands, rows, columns] in electrons/s above
// the sky, and returns what is in it.
func (s *Simulator) Image(index int, dst []float32) Object {
	if len(dst) != s.Len() {
		panic(fmt.Sprintf("sky: image of %d values for a buffer of %d", s.Len(), len(dst)))
	}
	o := Draw(s.preset, s.seed, index, s.grid.Pixels)
	bands := o.bands(s.preset)
	images := s.renderer.Render(&o.Scene, bands)
	o.FluxRatio = map[string]float64{}
	light, source := s.renderer.fluxes()
	for b, f := range s.preset.Bands {
		o.FluxRatio[f.Name] = source * bands[b].Source / (light * bands[b].Light)
	}
	for b, f := range s.preset.Bands {
		if each := len(images[b]); b > 0 && s.preset.repeated {
			copy(dst[b*each:(b+1)*each], dst[:each])
			continue
		}
		f = f.in(&o)
		rng := newRand(s.seed, index, noiseStream+stream(b))
		sky := f.SkyRate(s.preset.Scale)
		for i, rate := range images[b] {
			dst[b*len(images[b])+i] = float32(f.observe(rate, sky, rng))
		}
	}
	return o
}
