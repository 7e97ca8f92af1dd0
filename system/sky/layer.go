package sky

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// A layer is the surface brightness of the galaxies in one plane, seen through
// a lens or not, sampled on a canvas: once a pixel, and finer in blocks.
type layer struct {
	canvas   canvas
	galaxies []galaxy
	lensed   bool
	rays     rays       // valid if lensed
	profiles []*profile // of the galaxies, and spare ones

	coarse  []float64 // brightness at the centres of the canvas's cells
	seeds   queues    // what is refined whatever the samples look like
	outside bool      // the centre of a galaxy is not on the canvas
	shaped  bool      // there are rings or arms: brightness does not fall in all directions

	tolerance float64   // of a cell's brightness, see Quality
	slack     []float64 // factor on it for each row and column: large where the kernel is small
	share     float64   // of the tolerance that a sample may use; 0: not known yet
	blockOf   []int32   // per cell: its block's number plus 1, or 0
	blocks    []block
	arena     []float64 // of the blocks' samples
	cored     []bool    // per sample of the blocks: it has been integrated
	todo      queues

	xs, ys  []float64    // points of a row, or of a block
	weights [][3]float64 // of three coarse samples, for each sample of a row of a block
}

// queues are what remains to be refined.
type queues struct {
	cells []int32
	cores []sample
}

// allowed returns the tolerance for a cell.
func (l *layer) allowed(i, j int) float64 { return l.tolerance * l.slack[i] * l.slack[j] }

// A canvas is the pixels of an image and those around it that matter. Lengths on
// it are in pixels: cell (row j, column i) is the square of side 1 about (i, j).
type canvas struct {
	size   int     // cells on a side
	fold   int     // samples on a side of a block
	scale  float64 // side of a cell, arcsec
	origin float64 // coordinate of the centre of cell 0, arcsec
}

// newCanvas returns the canvas of an image with a margin on every side.
func newCanvas(g Grid, margin, fold int) canvas {
	return canvas{size: g.Pixels + 2*margin, fold: fold, scale: g.Scale, origin: g.center(-margin)}
}

// slack returns, for each row or column, how many times less a cell there counts
// than one within the image, for kernels of this sigma, pixels.
func (c canvas) slack(margin int, sigma float64) []float64 {
	slack := make([]float64, c.size)
	for i := range slack {
		beyond := float64(max(margin-i, i-(c.size-1-margin), 0)) - 1 // a pixel is as wide as a cell
		slack[i] = math.Exp(max(beyond, 0) * max(beyond, 0) / (2 * sigma * sigma))
	}
	return slack
}

// at returns the coordinate of a place on the canvas, arcsec.
func (c canvas) at(i float64) float64 { return c.origin + i*c.scale }

// inside says whether a cell may have a block: its eight neighbours must be on
// the canvas.
func (c canvas) inside(i, j int) bool { return i > 0 && j > 0 && i < c.size-1 && j < c.size-1 }

// offset returns where sample t of a row of a block lies, in pixels from the
// cell's centre.
func (c canvas) offset(t int) float64 { return (float64(t)+0.5)/float64(c.fold) - 0.5 }

// sampleOf returns the sample of a row of a block at a distance from the cell's
// centre, arcsec.
func (c canvas) sampleOf(d float64) int {
	t := int((d/c.scale + 0.5) * float64(c.fold))
	return min(max(t, 0), c.fold-1)
}

// sampleSide returns the side of the square of one sample of a block, arcsec.
func (c canvas) sampleSide() float64 { return c.scale / float64(c.fold) }

// A block is one cell at the finer resolution. Its samples are in the layer's
// arena: the brightness at each, then the surpluses.
type block struct {
	cell int32
	at   int // of the first sample in the arena
}

// reset prepares the layer for other galaxies.
func (l *layer) reset(c canvas, slack []float64, lens *Lens, galaxies []Sersic, rings []Ring) {
	l.canvas, l.slack, l.outside = c, slack, false
	l.shaped = len(rings) > 0
	l.lensed = lens != nil
	if l.lensed {
		l.rays.reset(lens)
	}
	for len(l.profiles) < len(galaxies)+len(rings) {
		l.profiles = append(l.profiles, new(profile))
	}
	l.galaxies = l.galaxies[:0]
	for i, g := range galaxies {
		l.galaxies = append(l.galaxies, newGalaxy(g, l.profiles[i]))
		l.shaped = l.shaped || g.Arms > 0
	}
	for i, r := range rings {
		l.galaxies = append(l.galaxies, newRing(r, l.profiles[len(galaxies)+i]))
	}
	l.weights = l.weights[:0]
	for t := range c.fold {
		l.weights = append(l.weights, lagrange(c.offset(t)))
	}
	l.xs, l.ys = resized(l.xs, max(c.size, c.fold*c.fold)), resized(l.ys, max(c.size, c.fold*c.fold))
	l.coarse = zeroed(l.coarse, c.size*c.size)
	l.seeds = queues{l.seeds.cells[:0], l.seeds.cores[:0]}
}

// resized returns a slice of n elements of any value.
func resized(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// zeroed returns a slice of n zeros, in the memory of s if it is large enough.
func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// total returns the sum of the brightness of all cells but those of a margin.
func (l *layer) total(margin int) float64 {
	n, sum := l.canvas.size, 0.0
	for j := margin; j < n-margin; j++ {
		sum += floats.Sum(l.row(j)[margin : n-margin])
	}
	for _, b := range l.blocks {
		i, j := int(b.cell)%n, int(b.cell)/n
		if min(i, j) >= margin && max(i, j) < n-margin {
			_, surplus := l.samples(b)
			sum += floats.Sum(surplus) / float64(len(surplus))
		}
	}
	return sum
}

// brightness sets dst to the surface brightness at points of the sky, arcsec; it
// replaces the points by the ends of their rays.
func (l *layer) brightness(dst, xs, ys []float64) {
	if l.lensed {
		l.rays.trace(xs, ys)
	}
	clear(dst)
	for k := range l.galaxies {
		g := &l.galaxies[k]
		g.add(dst, xs, ys, g.floor)
	}
}
