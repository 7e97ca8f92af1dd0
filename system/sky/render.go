package sky

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// A Renderer makes noise-free images of scenes. It keeps its buffers between
// images and is for one goroutine at a time.
type Renderer struct {
	grid    Grid
	quality Quality
	light   layer
	source  layer
	conv    convolver
	kernels map[kernelKey]*kernel
	terms   [][]bandTerm // of each band
}

// mostKernels is how many kernels are kept. With a seeing that varies they do not
// come again in the next image.
const mostKernels = 64

type kernelKey struct {
	sigma       float64 // pixels
	fold, reach int
}

// NewRenderer returns a renderer for images of this grid.
func NewRenderer(grid Grid, q Quality) *Renderer {
	return &Renderer{grid: grid, quality: q, kernels: map[kernelKey]*kernel{}}
}

// Render returns one image per band, row-major, in flux per pixel. The bands
// share all samples; each has its own kernel.
func (r *Renderer) Render(s *Scene, bands []Band) [][]float64 {
	r.sample(s, bands)
	coarse := make([][]float64, len(bands))
	peaks := make([]float64, len(bands))
	for i, b := range bands {
		for k, t := range r.terms[i] {
			image := r.conv.coarse(t.kernels, r.layers(), t.factors)
			if k == 0 {
				coarse[i] = image
			} else {
				floats.Add(coarse[i], image)
			}
		}
		peaks[i] = max(floats.Max(coarse[i]), b.unresolved(s))
	}
	for small := scaled(peaks, 1e-9); ; {
		r.refine(bands, peaks)
		images, found := r.images(bands, coarse)
		if !lower(peaks, found, small) {
			return images
		}
	}
}

// fluxes returns how much of the last scene's light, and of its source as the
// lens shows it, is within the image, before the factors of the bands and the
// point-spread function.
func (r *Renderer) fluxes() (light, source float64) {
	area := r.grid.Scale * r.grid.Scale
	return r.light.total(r.conv.reach+1) * area, r.source.total(r.conv.reach+1) * area
}

// sample prepares the layers and takes the coarse samples.
func (r *Renderer) sample(s *Scene, bands []Band) {
	sharp, blurred, reach := math.Inf(1), 0.0, 0
	for _, b := range bands {
		sigma, wide := r.sigma(b), r.sigma(b)
		if b.PSF != nil {
			wide = b.PSF.wide / r.grid.Scale
			reach = max(reach, int(math.Ceil(b.PSF.reach/r.grid.Scale)))
		} else {
			reach = max(reach, r.quality.reach(sigma))
		}
		sharp, blurred = min(sharp, sigma), max(blurred, wide)
	}
	r.conv.grid, r.conv.fold, r.conv.reach = r.grid, r.quality.fold(sharp), reach
	r.terms = r.terms[:0]
	for _, b := range bands {
		r.terms = append(r.terms, r.termsOf(b))
	}
	c := newCanvas(r.grid, r.conv.reach+1, r.conv.fold)
	slack := c.slack(r.conv.reach+1, blurred)
	r.light.reset(c, slack, nil, s.Light, nil)
	r.source.reset(c, slack, s.Lens, s.Source, s.Rings)
	for _, l := range r.layers() {
		l.sampleCoarse()
	}
}

func (r *Renderer) layers() []*layer { return []*layer{&r.light, &r.source} }

// sigma returns the width of a band's point-spread function, pixels.
func (r *Renderer) sigma(b Band) float64 { return b.fwhm() / fwhmPerSigma / r.grid.Scale }

func (b Band) fwhm() float64 {
	if b.PSF != nil {
		return b.PSF.fwhm
	}
	return b.FWHM
}

// A bandTerm is a term of a band's point-spread function: kernels, and the factors of
// the layers with its weight.
type bandTerm struct {
	kernels kernels
	factors []float64
}

func (r *Renderer) termsOf(b Band) []bandTerm {
	if b.PSF == nil {
		k := r.kernel(b)
		return []bandTerm{{kernels{k, k}, b.factors()}}
	}
	out := make([]bandTerm, len(b.PSF.terms))
	for i, t := range b.PSF.terms {
		x := newProfileKernel(t.x, r.grid.Scale, r.conv.fold, r.conv.reach)
		y := x
		if t.y != t.x {
			y = newProfileKernel(t.y, r.grid.Scale, r.conv.fold, r.conv.reach)
		}
		out[i] = bandTerm{kernels{x, y}, scaled(b.factors(), t.weight)}
	}
	return out
}

// factors returns those of the layers in a band.
func (b Band) factors() []float64 { return []float64{b.Light, b.Source} }

// unresolved returns a brightness that the image reaches at least if a galaxy is
// in it, so small perhaps that the coarse samples miss it. Too low a guess costs
// time; one that is too high, for a galaxy outside, is found out.
func (b Band) unresolved(s *Scene) float64 {
	peak, psf := 0.0, b.fwhm()/fwhmPerSigma
	for k, galaxies := range [][]Sersic{s.Light, s.Source} {
		for _, g := range galaxies {
			peak = max(peak, b.factors()[k]*g.Flux()/(16*math.Pi*(psf*psf+g.Radius*g.Radius)))
		}
	}
	for _, g := range s.Rings {
		peak = max(peak, b.Source*g.Flux()/(16*math.Pi*(psf*psf+g.Radius*g.Radius)))
	}
	return peak
}

// refine refines the layers as these peaks demand.
func (r *Renderer) refine(bands []Band, peaks []float64) {
	for k, l := range r.layers() {
		l.tolerance = math.Inf(1)
		for i, b := range bands {
			if f := b.factors()[k]; f > 0 {
				l.tolerance = min(l.tolerance, r.quality.Tolerance*peaks[i]/f)
			}
		}
		l.refine()
	}
}

// images returns the images as the layers are now, and their peaks.
func (r *Renderer) images(bands []Band, coarse [][]float64) (images [][]float64, peaks []float64) {
	for i := range bands {
		image := slices.Clone(coarse[i])
		for _, t := range r.terms[i] {
			r.conv.addFine(image, t.kernels, r.layers(), t.factors)
		}
		peaks = append(peaks, floats.Max(image))
		images = append(images, r.conv.finish(image))
	}
	return images, peaks
}

// lower lowers the guessed peaks that turn out too high by a factor of 2, until
// they are so small that nothing bright can be in the image, and says whether
// there were any.
func lower(peaks, found, small []float64) (again bool) {
	for i, p := range peaks {
		if found[i] < p/2 && p > small[i] {
			peaks[i] = max(found[i], p/100)
			again = true
		}
	}
	return again
}

func scaled(v []float64, factor float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = v[i] * factor
	}
	return out
}

func (r *Renderer) kernel(b Band) *kernel {
	key := kernelKey{r.sigma(b), r.conv.fold, r.conv.reach}
	k := r.kernels[key]
	if k == nil {
		if len(r.kernels) >= mostKernels {
			clear(r.kernels)
		}
		k = newKernel(key.sigma, key.fold, key.reach)
		r.kernels[key] = k
	}
	return k
}
