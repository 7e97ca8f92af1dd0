package sky

import "math"

// A Renderer makes images of scenes. It keeps its buffers between images and is
// for one goroutine at a time.
type Renderer struct {
	grid Grid
}

// NewRenderer returns a renderer for images of this grid.
func NewRenderer(grid Grid) *Renderer { return &Renderer{grid: grid} }

// Render returns one image per band, row-major, in flux per pixel.
func (r *Renderer) Render(s *Scene, bands []Band) [][]float64 {
	out := make([][]float64, len(bands))
	for i, b := range bands {
		out[i] = r.render(s, b)
	}
	return out
}

func (r *Renderer) render(s *Scene, b Band) []float64 {
	const sub = 3
	sigma := b.FWHM / 2.3548200450309493 / r.grid.Scale
	pad := int(math.Ceil(5*sigma)) + 1
	n := (r.grid.Pixels + 2*pad) * sub
	h := r.grid.Scale / sub
	f := make([]float64, n*n)
	for j := range n {
		y := (float64(j) - float64(n-1)/2) * h
		for i := range n {
			x := (float64(i) - float64(n-1)/2) * h
			for _, l := range s.Light {
				f[j*n+i] += b.Light * l.Brightness(x, y)
			}
			bx, by := x, y
			if s.Lens != nil {
				a := s.Lens.Field(x, y)
				bx, by = x-a.AlphaX, y-a.AlphaY
			}
			for _, l := range s.Source {
				f[j*n+i] += b.Source * l.Brightness(bx, by)
			}
		}
	}
	N := r.grid.Pixels
	k := func(p, c int) float64 {
		t := (float64(c)+0.5)/sub - float64(pad) - float64(p) - 0.5
		return 0.5 * (math.Erf((t+.5)/sigma/math.Sqrt2) - math.Erf((t-.5)/sigma/math.Sqrt2)) / sub
	}
	mid := make([]float64, N*n)
	for p := range N {
		for c := range n {
			w := k(p, c)
			if w < 1e-12 {
				continue
			}
			for i := range n {
				mid[p*n+i] += w * f[c*n+i]
			}
		}
	}
	out := make([]float64, N*N)
	for p := range N {
		for c := range n {
			w := k(p, c)
			if w < 1e-12 {
				continue
			}
			for i := range N {
				out[i*N+p] += w * mid[i*n+c] * r.grid.Scale * r.grid.Scale
			}
		}
	}
	return out
}
