package augment

import "math"

// A placement is where an image is put: turned and scaled about its centre, then
// shifted.
type placement struct {
	dx, dy int     // to the right, and down in memory, in pixels
	zoom   float64 // above 1: larger
	angle  float64 // radians, from the axis of x to that of y
}

// still says whether the placement moves nothing.
func (p placement) still() bool { return p.dx == 0 && p.dy == 0 && !p.interpolates() }

func (p placement) interpolates() bool { return p.zoom != 1 || p.angle != 0 }

// A canvas holds an image and as much of its mirror images around it as a policy
// can bring into view.
type canvas struct {
	height, width int
	margin        int // on all sides, at most
	stride        int
	planes        [][]float32 // of the bands
	columns       []int       // of the image, for each column of the canvas
	row           []taps      // of the interpolation, for each pixel of a row
}

func newCanvas(p Policy, bands, height, width int) *canvas {
	c := &canvas{height: height, width: width, margin: p.farthest().margin(height, width), row: make([]taps, width)}
	c.stride = width + 2*c.margin
	c.planes = make([][]float32, bands)
	for b := range c.planes {
		c.planes[b] = make([]float32, c.stride*(height+2*c.margin))
	}
	c.columns = make([]int, c.stride)
	for i := range c.columns {
		c.columns[i] = mirrored(i-c.margin, width)
	}
	return c
}

// farthest returns the placement of the policy that looks farthest beyond the
// edges.
func (p Policy) farthest() placement {
	return placement{p.Shift, p.Shift, 1 / (1 + p.Zoom), min(p.Rotation, 90) * math.Pi / 180}
}

// margin returns how far beyond its edges an image is looked at.
func (p placement) margin(height, width int) int {
	x, y := float64(width)/2+math.Abs(float64(p.dx)), float64(height)/2+math.Abs(float64(p.dy))
	sin := math.Sin(min(math.Abs(p.angle), math.Pi/2))
	reach := min(math.Hypot(x, y), max(x+y*sin, y+x*sin)) / min(p.zoom, 1)
	const taps = 2 // of the interpolation, beyond the point
	return int(math.Ceil(reach-float64(min(height, width))/2)) + taps + 1
}

// mirrored returns the index, of 0, …, n-1, that stands at i in a row that is
// continued by its mirror images: … 1 0 | 0 1 2 … n-1 | n-1 n-2 …
func mirrored(i, n int) int {
	if i %= 2 * n; i < 0 {
		i += 2 * n
	}
	return min(i, 2*n-1-i)
}

// place puts an image, in place.
func (c *canvas) place(image []float32, p placement) {
	each := c.height * c.width
	margin := p.margin(c.height, c.width)
	for b, plane := range c.planes {
		c.fill(plane, image[b*each:][:each], margin)
	}
	if p.interpolates() {
		c.interpolate(image, p)
		return
	}
	for b, plane := range c.planes {
		for y := range c.height {
			copy(image[b*each+y*c.width:][:c.width], plane[(y-p.dy+c.margin)*c.stride+c.margin-p.dx:])
		}
	}
}

// fill fills a plane of the canvas from a band, and so much around it.
func (c *canvas) fill(plane, band []float32, margin int) {
	begin, end := c.margin-margin, c.margin+c.width+margin // columns
	for y := -margin; y < c.height+margin; y++ {
		src := band[mirrored(y, c.height)*c.width:][:c.width]
		dst := plane[(y+c.margin)*c.stride:][:c.stride]
		for i := begin; i < c.margin; i++ {
			dst[i] = src[c.columns[i]]
		}
		copy(dst[c.margin:], src)
		for i := c.margin + c.width; i < end; i++ {
			dst[i] = src[c.columns[i]]
		}
	}
}

// interpolate fills image with the values at the points that the placement
// brings to its pixels. A row at a time, so that all bands share the weights.
func (c *canvas) interpolate(image []float32, p placement) {
	sin, cos := math.Sincos(p.angle)
	sin, cos = sin/p.zoom, cos/p.zoom
	unit := float32(1 / (p.zoom * p.zoom)) // flux is kept
	cx, cy := float64(c.width-1)/2, float64(c.height-1)/2
	for y := range c.height {
		// The point that comes to (0, y), on the canvas.
		dx, dy := -cx-float64(p.dx), float64(y)-cy-float64(p.dy)
		u := dx*cos + dy*sin + cx + float64(c.margin)
		v := dy*cos - dx*sin + cy + float64(c.margin)
		for x := range c.row {
			c.row[x].at(u+float64(x)*cos, v-float64(x)*sin, c.stride, unit)
		}
		for b, plane := range c.planes {
			dst := image[(b*c.height+y)*c.width:][:len(c.row)]
			for x := range c.row {
				dst[x] = c.row[x].value(plane, c.stride)
			}
		}
	}
}

// Taps are the 4×4 pixels from which a value is interpolated.
type taps struct {
	first int        // index of the upper left on the canvas
	u, v  [4]float32 // weights of columns and rows
}

// at sets t to the taps of column u and row v, which are at least 1 and less than
// the last but one, for the value there times unit.
func (t *taps) at(u, v float64, stride int, unit float32) {
	i, j := int(u), int(v)
	t.first = (j-1)*stride + i - 1
	t.u[0], t.u[1], t.u[2], t.u[3] = cubic(float32(u-float64(i)), 1)
	t.v[0], t.v[1], t.v[2], t.v[3] = cubic(float32(v-float64(j)), unit)
}

func (t *taps) value(plane []float32, stride int) float32 {
	plane = plane[t.first:]
	r0, r1, r2, r3 := plane[:4], plane[stride:][:4], plane[2*stride:][:4], plane[3*stride:][:4]
	u0, u1, u2, u3 := t.u[0], t.u[1], t.u[2], t.u[3]
	return t.v[0]*(u0*r0[0]+u1*r0[1]+u2*r0[2]+u3*r0[3]) +
		t.v[1]*(u0*r1[0]+u1*r1[1]+u2*r1[2]+u3*r1[3]) +
		t.v[2]*(u0*r2[0]+u1*r2[1]+u2*r2[2]+u3*r2[3]) +
		t.v[3]*(u0*r3[0]+u1*r3[1]+u2*r3[2]+u3*r3[3])
}

// cubic returns Keys' weights of the values at -1, 0, 1 and 2 for the point t,
// 0 ≤ t < 1. Their sum is unit.
func cubic(t, unit float32) (w0, w1, w2, w3 float32) {
	ut := unit * t
	return ut * (-0.5 + t*(1-0.5*t)),
		unit + ut*t*(-2.5+1.5*t),
		ut * (0.5 + t*(2-1.5*t)),
		ut * t * (-0.5 + 0.5*t)
}
