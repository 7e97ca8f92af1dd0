package sky

import "gonum.org/v1/gonum/floats"

// A convolver turns the samples of layers into images.
type convolver struct {
	grid  Grid
	reach int // pixels, of the kernels
	fold  int

	sum     []float64 // coarse samples of all layers
	rows    []float64 // the same after the pass over rows of the canvas
	columns []float64 // and transposed: pixel rows contiguous
	fine    []float64 // surpluses after that pass: one column of the comb after another
	used    []bool    // columns of the comb that are not zero
}

// Images are transposed while they are made.

// A kernels is a point-spread function, or a term of one: a kernel for each axis.
type kernels struct{ x, y *kernel }

// coarse returns the image of the layers' coarse samples, each times its factor.
func (c *convolver) coarse(k kernels, layers []*layer, factor []float64) []float64 {
	n, wide := c.grid.Pixels, c.grid.Pixels+2*c.reach+2
	c.sum = zeroed(c.sum, wide*wide)
	for i, l := range layers {
		floats.AddScaled(c.sum, factor[i], l.coarse)
	}
	c.rows = zeroed(c.rows, n*wide)
	for row := range n {
		dst := c.rows[row*wide : (row+1)*wide]
		for o, w := range k.y.coarse {
			floats.AddScaled(dst, w, c.sum[(row+o)*wide:(row+o+1)*wide])
		}
	}
	c.columns = resized(c.columns, n*wide)
	transpose(c.columns, c.rows, n, wide)
	image := make([]float64, n*n)
	for x := range n {
		dst := image[x*n : (x+1)*n]
		for o, w := range k.x.coarse {
			floats.AddScaled(dst, w, c.columns[(x+o)*n:(x+o+1)*n])
		}
	}
	return image
}

// transpose writes the rows×cols matrix src to dst as cols×rows.
func transpose(dst, src []float64, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*cols : (i+1)*cols] {
			dst[j*rows+i] = v
		}
	}
}

// addFine adds the surpluses of the layers' blocks to an image.
func (c *convolver) addFine(image []float64, k kernels, layers []*layer, factor []float64) {
	n := c.grid.Pixels
	wide := (n + 2*c.reach) * c.fold
	c.fine = zeroed(c.fine, wide*n)
	c.used = zeroed(c.used, wide)
	for i, l := range layers {
		for _, b := range l.blocks {
			_, surplus := l.samples(b)
			c.scatter(k.y, int(b.cell)%l.canvas.size-1, int(b.cell)/l.canvas.size-1, surplus, factor[i])
		}
	}
	for x := range n {
		dst := image[x*n : (x+1)*n]
		for o, w := range k.x.fine {
			if f := x*c.fold + o; c.used[f] {
				floats.AddScaled(dst, w, c.fine[f*n:(f+1)*n])
			}
		}
	}
}

// scatter spreads the surpluses of one block, at pixel (i, j) of the canvas less
// its outermost cells, over the pixel rows that they reach.
func (c *convolver) scatter(k *kernel, i, j int, surplus []float64, factor float64) {
	n := c.grid.Pixels
	first := j - 2*c.reach
	from, to := max(first, 0), min(j+1, n)
	if from >= to {
		return
	}
	for s := range c.fold {
		f := i*c.fold + s
		c.used[f] = true
		dst := c.fine[f*n+from : f*n+to]
		t := 0
		for ; t+2 < c.fold; t += 3 { // three at a time, since loads and stores are what takes the time
			v0, v1, v2 := surplus[t*c.fold+s]*factor, surplus[(t+1)*c.fold+s]*factor, surplus[(t+2)*c.fold+s]*factor
			w0, w1, w2 := k.scatter[t][from-first:][:len(dst)], k.scatter[t+1][from-first:][:len(dst)], k.scatter[t+2][from-first:][:len(dst)]
			for p := range dst {
				dst[p] += v0*w0[p] + v1*w1[p] + v2*w2[p]
			}
		}
		for ; t < c.fold; t++ {
			v, w := surplus[t*c.fold+s]*factor, k.scatter[t][from-first:][:len(dst)]
			for p := range dst {
				dst[p] += v * w[p]
			}
		}
	}
}

// finish returns an image as it is handed out: row-major, in flux per pixel.
func (c *convolver) finish(image []float64) []float64 {
	out := make([]float64, len(image))
	transpose(out, image, c.grid.Pixels, c.grid.Pixels)
	floats.Scale(c.grid.Scale*c.grid.Scale, out)
	return out
}
