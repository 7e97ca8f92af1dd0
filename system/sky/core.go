package sky

import "math"

// A sample is one of the fine samples of a cell.
type sample struct {
	cell int32
	k    int32 // row·fold + column
	cusp bool  // brightness may have a cusp in its square
}

// integrateSample replaces the sample by the integral over its square, found by
// recursion: light at a distance from the sample is spread over the samples
// around it with the weights of quadratic interpolation, so that the kernel is
// interpolated to where the light is. What the samples said without that is
// taken off, so that only a surplus is added.
func (l *layer) integrateSample(at sample) {
	f, ok := l.neighbourhood(at)
	if !ok || *f.cored {
		return
	}
	*f.cored = true
	c := l.canvas
	i, j := int(at.cell)%c.size, int(at.cell)/c.size
	fold := int32(c.fold)
	x := c.at(float64(i) + c.offset(int(at.k%fold)))
	y := c.at(float64(j) + c.offset(int(at.k/fold)))
	tolerance := l.allowed(i, j) * l.share * float64(fold*fold) // of a sample's brightness
	in := integrator{layer: l, h: c.sampleSide(), x: x, y: y, tolerance: tolerance}
	in.square(0, 0, 1, f.value[4])
	added := 0.0
	smooth := ofInterpolant.apply(&f.value)
	for a := range in.mass {
		d := in.mass[a] - smooth[a]
		*f.surplus[a] += d
		added += math.Abs(d)
	}
	if added > 2*tolerance || at.cusp && added > tolerance/2 {
		l.todo.cores = append(l.todo.cores, f.around[:]...)
	}
}

// A neighbourhood is a sample and the eight around it, row by row.
type neighbourhood struct {
	around  [9]sample
	value   [9]float64
	surplus [9]*float64
	cored   *bool // of the middle one
}

// neighbourhood makes the blocks that the neighbours are in. At the edge of the
// canvas there is none.
func (l *layer) neighbourhood(at sample) (f neighbourhood, ok bool) {
	n, fold := l.canvas.size, l.canvas.fold
	i, j := int(at.cell)%n, int(at.cell)/n
	s, t := int(at.k)%fold, int(at.k)/fold
	for a := range f.around {
		i, s := carry(i, s+a%3-1, fold)
		j, t := carry(j, t+a/3-1, fold)
		if !l.canvas.inside(i, j) {
			return f, false
		}
		f.around[a] = sample{cell: int32(j*n + i), k: int32(t*fold + s)}
		if l.blockOf[j*n+i] == 0 {
			l.refineCell(int32(j*n + i))
		}
	}
	for a, s := range f.around { // the arena does not move any more
		b := l.blocks[l.blockOf[s.cell]-1]
		value, surplus := l.samples(b)
		f.value[a], f.surplus[a] = value[s.k], &surplus[s.k]
	}
	b := l.blocks[l.blockOf[at.cell]-1]
	f.cored = &l.cored[b.at/2+int(at.k)]
	return f, true
}

// carry moves a sample that has left its cell by one to the cell beside it.
func carry(cell, sample, fold int) (int, int) {
	switch {
	case sample < 0:
		return cell - 1, sample + fold
	case sample >= fold:
		return cell + 1, sample - fold
	}
	return cell, sample
}

// apply returns the values of a 3×3 with the rows of m applied along both axes.
func (m *product) apply(value *[9]float64) (out [9]float64) {
	var half [9]float64
	for i := range 3 {
		v := value[3*i : 3*i+3 : 3*i+3]
		for a := range m {
			half[3*i+a] = m[a][0]*v[0] + m[a][1]*v[1] + m[a][2]*v[2]
		}
	}
	for a := range m {
		for j := range 3 {
			out[3*a+j] = m[a][0]*half[j] + m[a][1]*half[3+j] + m[a][2]*half[6+j]
		}
	}
	return out
}

// A product says what the samples −1, 0 and 1 of a comb get (first index) of
// three values along one axis.
type product [3][3]float64

// ofInterpolant is for values at the samples themselves, which stand for their
// quadratic interpolant over the middle sample's side [−½, ½]: the integrals of
// the products of the weights of lagrange.
var ofInterpolant = func() (m product) {
	// Weights as polynomials; the moments of [−½, ½] are 1, 1/12 and 1/80.
	w := [3][3]float64{{0, -0.5, 0.5}, {1, 0, -1}, {0, 0.5, 0.5}}
	moment := [5]float64{1, 0, 1. / 12, 0, 1. / 80}
	for a := range m {
		for b := range m {
			for p := range 3 {
				for q := range 3 {
					m[a][b] += w[a][p] * w[b][q] * moment[p+q]
				}
			}
		}
	}
	return m
}()

// ofThirds is for values at −⅓, 0 and ⅓, each for a third of the side.
var ofThirds = func() (m product) {
	for k := range 3 {
		for a, w := range lagrange(thirds[k]) {
			m[a][k] = w / 3
		}
	}
	return m
}()

// An integrator integrates the brightness over the square of one sample.
type integrator struct {
	layer     *layer
	x, y      float64 // centre, arcsec
	h         float64 // side, arcsec
	tolerance float64 // of the integral over a square of side 1
	mass      [9]float64
}

// thirds are the middles of the thirds of [−½, ½].
var thirds = [3]float64{-1. / 3, 0, 1. / 3}

// square integrates over a square of side w centred at (x, y), in units of h
// from the centre, given the brightness in its middle. It compares the middle
// with the mean over a 3×3 of smaller squares, and goes on with each of those
// unless the brightness hardly bends between them and no cusp can hide there; in
// that case the error of the mean is an eighth of the difference, which is taken
// off.
func (in *integrator) square(x, y, w, middle float64) {
	var value, xs, ys [9]float64
	for k := range value {
		xs[k] = in.x + in.h*(x+w*thirds[k%3])
		ys[k] = in.y + in.h*(y+w*thirds[k/3])
	}
	in.layer.brightness(value[:], xs[:], ys[:])
	bend, mean := 0.0, middle/9
	for k := range 4 {
		pair := value[k] + value[8-k]
		bend += math.Abs(pair - 2*middle)
		mean += pair / 9
	}
	if bend/9*w*w <= in.tolerance && !in.layer.hidesCusp(&xs, &ys) || w*in.h < radiusFloor {
		for k := range value {
			value[k] += (mean - middle) / 8
		}
		in.spread(x, y, w, &value)
		return
	}
	for k, v := range value {
		in.square(x+w*thirds[k%3], y+w*thirds[k/3], w/3, v)
	}
}

// hidesCusp says whether the square whose nine points these are, in the plane of
// the galaxies, is too large for nine points to show what may be in it: a
// galaxy's centre, or its body.
func (l *layer) hidesCusp(xs, ys *[9]float64) bool {
	x0, x1 := bounds(xs)
	y0, y1 := bounds(ys)
	for k := range l.galaxies {
		g := &l.galaxies[k]
		size := max(x1-x0, y1-y0)
		if size > 2*g.core && x0 <= g.x && g.x <= x1 && y0 <= g.y && g.y <= y1 ||
			size > 2*g.thin && x0 <= g.x+g.long && g.x-g.long <= x1 && y0 <= g.y+g.long && g.y-g.long <= y1 {
			return true
		}
	}
	return false
}

// bounds returns how far a square reaches in one coordinate, given its nine
// points, which are a sixth of its side away from its edge.
func bounds(v *[9]float64) (low, high float64) {
	low, high = v[4], v[4]
	for _, x := range v {
		if x < low {
			low = x
		}
		if x > high {
			high = x
		}
	}
	margin := (high - low) / 4
	return low - margin, high + margin
}

// spread gives the nine samples their shares of a square.
func (in *integrator) spread(x, y, w float64, value *[9]float64) {
	if w == 1 { // most samples are smooth
		in.mass = ofThirds.apply(value)
		return
	}
	var wx [3][3]float64
	for k := range wx {
		wx[k] = lagrange(x + w*thirds[k])
	}
	for row := range 3 {
		var share [3]float64
		for k := range wx {
			v := value[3*row+k]
			for a := range share {
				share[a] += v * wx[k][a]
			}
		}
		wy := lagrange(y + w*thirds[row])
		for a := range in.mass {
			in.mass[a] += w * w / 9 * wy[a/3] * share[a%3]
		}
	}
}
