package sky

import "math"

// sharedBy is the number of samples with a cusp up to which each has the whole
// tolerance for itself. Four images of a cusp need less; a ring has its cusp on a
// line, and the errors along it add up.
const sharedBy = 100

// refine refines, from the coarse samples alone, all that needs it: the seeds,
// what is rough, and, as long as the surpluses exceed the tolerance, what is
// around.
func (l *layer) refine() {
	l.blockOf = zeroed(l.blockOf, l.canvas.size*l.canvas.size)
	l.blocks, l.arena, l.cored = l.blocks[:0], l.arena[:0], l.cored[:0]
	l.todo.cells = append(l.todo.cells[:0], l.seeds.cells...)
	l.todo.cores = append(l.todo.cores[:0], l.seeds.cores...)
	l.share = 0
	if l.lensed || l.outside || l.shaped {
		l.queueRough()
	}
	for len(l.todo.cells) > 0 || len(l.todo.cores) > 0 {
		for n := len(l.todo.cells); n > 0; n = len(l.todo.cells) {
			cell := l.todo.cells[n-1]
			l.todo.cells = l.todo.cells[:n-1]
			l.refineCell(cell)
		}
		if l.share == 0 {
			l.share = min(1, sharedBy/float64(len(l.todo.cores)))
		}
		if n := len(l.todo.cores); n > 0 {
			s := l.todo.cores[n-1]
			l.todo.cores = l.todo.cores[:n-1]
			l.integrateSample(s)
		}
	}
}

// refineCell gives a cell its block, unless it has one.
func (l *layer) refineCell(cell int32) {
	i, j := int(cell)%l.canvas.size, int(cell)/l.canvas.size
	if l.blockOf[cell] != 0 || l.newBlock(cell) <= l.allowed(i, j) {
		return
	}
	for k := range 9 {
		l.todo.cell(l.canvas, i+k%3-1, j+k/3-1)
	}
}

// newBlock samples a cell finely and returns its mean absolute surplus.
func (l *layer) newBlock(cell int32) float64 {
	n := l.canvas.fold * l.canvas.fold
	b := block{cell: cell, at: len(l.arena)}
	l.blocks = append(l.blocks, b)
	l.blockOf[cell] = int32(len(l.blocks))
	l.arena = extended(l.arena, 2*n)
	l.cored = extended(l.cored, n)
	value, surplus := l.samples(b)
	l.sampleBlock(cell, value)
	l.interpolate(cell, surplus)
	sum := 0.0
	for k, v := range value {
		surplus[k] = v - surplus[k]
		sum += math.Abs(surplus[k])
	}
	return sum / float64(n)
}

// samples returns a block's part of the arena.
func (l *layer) samples(b block) (value, surplus []float64) {
	n := l.canvas.fold * l.canvas.fold
	return l.arena[b.at : b.at+n], l.arena[b.at+n : b.at+2*n]
}

// sampleBlock fills in the brightness of a cell's samples and queues those in
// which the centre of a source may be imaged.
func (l *layer) sampleBlock(cell int32, value []float64) {
	c := l.canvas
	i, j := float64(int(cell)%c.size), float64(int(cell)/c.size)
	xs, ys := l.xs[:len(value)], l.ys[:len(value)]
	for t := range c.fold {
		at, end := t*c.fold, (t+1)*c.fold
		l.rowOfPoints(xs[at:end], ys[at:end], i+c.offset(0), 1/float64(c.fold), j+c.offset(t))
	}
	l.brightness(value, xs, ys)
	if !l.lensed {
		return
	}
	h := c.sampleSide()
	reach := l.cuspReach(c.at(i), c.at(j), c.scale)
	stretched := reach > 1.5*h // then each sample has its own
	for k := range value {
		if stretched {
			s, t := k%c.fold, k/c.fold
			reach = l.cuspReach(c.at(i+c.offset(s)), c.at(j+c.offset(t)), h)
		}
		for g := range l.galaxies {
			if dx, dy := xs[k]-l.galaxies[g].x, ys[k]-l.galaxies[g].y; dx*dx+dy*dy < reach*reach {
				l.todo.cores = append(l.todo.cores, sample{cell, int32(k), true})
			}
		}
	}
}

// cuspReach returns how far in the source plane from a sample the centre of a
// source may lie that is imaged within the sample's square, for the samples in
// the square of this side at (x, y). That is half the diagonal, stretched as much
// as the lens does: by little more than 1 in the radial direction, and by θ_E/r
// in the other.
func (l *layer) cuspReach(x, y, side float64) float64 {
	half := 0.8 * l.canvas.sampleSide()
	r := math.Hypot(x-l.rays.x, y-l.rays.y) - side*math.Sqrt2/2
	if r < half {
		return max(half, 1.2*l.rays.thetaE)
	}
	return half * max(1, l.rays.thetaE/r)
}

// interpolate fills dst with the quadratic interpolant of the coarse samples
// about a cell at the samples of its block.
func (l *layer) interpolate(cell int32, dst []float64) {
	fold := l.canvas.fold
	at := int(cell) - l.canvas.size - 1
	for s, w := range l.weights {
		var column [3]float64
		for a := range column {
			f := l.coarse[at+a*l.canvas.size:]
			column[a] = w[0]*f[0] + w[1]*f[1] + w[2]*f[2]
		}
		for t, v := range l.weights {
			dst[t*fold+s] = v[0]*column[0] + v[1]*column[1] + v[2]*column[2]
		}
	}
}

// extended returns s with n zeros more.
func extended[T any](s []T, n int) []T {
	for cap(s)-len(s) < n {
		var zero T
		s = append(s[:cap(s)], zero)[:len(s)]
	}
	s = s[:len(s)+n]
	clear(s[len(s)-n:])
	return s
}
