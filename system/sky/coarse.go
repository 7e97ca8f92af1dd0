package sky

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	// cuspCap is the radius, in pixels, within which the coarse samples take a
	// profile for flat. A sample that happens to fall on a cusp says nothing
	// about the pixel around it; all such pixels are refined.
	cuspCap = 0.4
	// nearCusp is the distance from a source's centre, in pixels, up to which a
	// pixel is refined whatever its neighbours look like.
	nearCusp = 1.0
	// thirdDifference is the mean of |t·(t²−1)/6| over a cell: by so much of the
	// third difference, in each direction, the quadratic interpolant is off.
	thirdDifference = 0.0365
)

// sampleCoarse samples the layer once a pixel, and queues the cells that need
// refinement whatever their samples look like: those with a cusp, and those
// about the centre of the lens, where the deflection changes its direction.
func (l *layer) sampleCoarse() {
	n := l.canvas.size
	xs, ys := l.xs[:n], l.ys[:n]
	for j := range n {
		l.rowOfPoints(xs, ys, 0, 1, float64(j))
		if l.lensed {
			l.rays.trace(xs, ys)
		}
		for k := range l.galaxies {
			g := &l.galaxies[k]
			g.add(l.row(j), xs, ys, g.atDistance(cuspCap*l.canvas.scale))
			if l.lensed {
				l.seedNear(j, g, xs, ys)
			}
		}
	}
	if l.lensed {
		l.seedAround(l.rays.x, l.rays.y)
		return
	}
	for k := range l.galaxies {
		l.seedAround(l.galaxies[k].x, l.galaxies[k].y)
	}
}

// rowOfPoints fills in points of the canvas: the first at pixel (first, y), the
// others step apart along the row.
func (l *layer) rowOfPoints(xs, ys []float64, first, step, y float64) {
	y = l.canvas.at(y)
	for i := range xs {
		xs[i], ys[i] = l.canvas.at(first+step*float64(i)), y
	}
}

func (l *layer) row(j int) []float64 { return l.coarse[j*l.canvas.size : (j+1)*l.canvas.size] }

// seedNear queues the cells of row j whose rays end near a galaxy's centre.
func (l *layer) seedNear(j int, g *galaxy, xs, ys []float64) {
	near := nearCusp * l.canvas.scale
	ys = ys[:len(xs)]
	for i := range xs {
		if dx, dy := xs[i]-g.x, ys[i]-g.y; dx*dx+dy*dy < near*near {
			l.seeds.cell(l.canvas, i, j)
		}
	}
}

// seedAround queues the cell at a point of the sky and its neighbours, and the
// sample that the point is in.
func (l *layer) seedAround(x, y float64) {
	i := math.Round((x - l.canvas.origin) / l.canvas.scale)
	j := math.Round((y - l.canvas.origin) / l.canvas.scale)
	if last := float64(l.canvas.size - 1); !(0 < i && i < last && 0 < j && j < last) {
		l.outside = true
		return
	}
	for k := range 9 {
		l.seeds.cell(l.canvas, int(i)+k%3-1, int(j)+k/3-1)
	}
	s, t := l.canvas.sampleOf(x-l.canvas.at(i)), l.canvas.sampleOf(y-l.canvas.at(j))
	l.seeds.cores = append(l.seeds.cores, sample{int32(int(j)*l.canvas.size + int(i)), int32(t*l.canvas.fold + s), true})
}

// cell queues a cell, unless it is at the edge of the canvas.
func (q *queues) cell(c canvas, i, j int) {
	if c.inside(i, j) {
		q.cells = append(q.cells, int32(j*c.size+i))
	}
}

// queueRough queues the cells whose neighbours show that the interpolant is not
// good enough. Light that is not lensed needs no such search unless its centre is
// elsewhere: its brightness falls in all directions, so that what is rough is
// found from there.
func (l *layer) queueRough() {
	n := l.canvas.size
	peak := make([]float64, n) // of each row
	for j := range peak {
		peak[j] = floats.Max(l.row(j))
	}
	for j := 2; j < n-2; j++ {
		limit := 2 * l.tolerance * l.slack[j] / thirdDifference
		if roughest*slices.Max(peak[j-2:j+3]) <= limit {
			continue
		}
		c, slack := l.row(j), l.slack[:n]
		a, b, d, e := l.row(j - 2)[:len(c)], l.row(j - 1)[:len(c)], l.row(j + 1)[:len(c)], l.row(j + 2)[:len(c)]
		for i := 2; i < len(c)-2; i++ {
			if roughness(c[i-2], c[i-1], c[i], c[i+1], c[i+2])+roughness(a[i], b[i], c[i], d[i], e[i]) > limit*slack[i] {
				l.todo.cells = append(l.todo.cells, int32(j*n+i))
			}
		}
	}
}

// roughest is the largest roughness, in both directions, that five samples
// between 0 and 1 can have.
const roughest = 2 * (3 + 8)

// roughness returns twice the larger third difference on either side of the
// middle one of five samples.
func roughness(a, b, c, d, e float64) float64 {
	return math.Abs(e-a-2*(d-b)) + math.Abs(e+a-4*(d+b)+6*c)
}
