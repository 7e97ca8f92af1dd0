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

// A canvas holds a plane and as much of its mirror images around it as a policy
// can bring into view.
type canvas struct {
	height, width int
	margin        int // on all sides
	stride        int
	pixels        []float32
	columns       []int // of the plane, for each column of the canvas
}

func newCanvas(p Policy, height, width int) *canvas {
	c := &canvas{height: height, width: width, margin: p.margin(height, width)}
	c.stride = width + 2*c.margin
	c.pixels = make([]float32, c.stride*(height+2*c.margin))
	c.columns = make([]int, c.stride)
	for i := range c.columns {
		c.columns[i] = mirrored(i-c.margin, width)
	}
	return c
}

// margin returns how far beyond its edges an image is looked at.
func (p Policy) margin(height, width int) int {
	x, y := float64(width)/2+float64(p.Shift), float64(height)/2+float64(p.Shift)
	sin := math.Sin(min(p.Rotation, 90) * math.Pi / 180)
	reach := min(math.Hypot(x, y), max(x+y*sin, y+x*sin)) * (1 + p.Zoom)
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

// place puts a plane, in place.
func (c *canvas) place(plane []float32, p placement) {
	c.fill(plane)
	if p.interpolates() {
		c.interpolate(plane, p)
		return
	}
	for y := range c.height {
		copy(plane[y*c.width:][:c.width], c.pixels[(y-p.dy+c.margin)*c.stride+c.margin-p.dx:])
	}
}

func (c *canvas) fill(plane []float32) {
	for y := -c.margin; y < c.height+c.margin; y++ {
		src := plane[mirrored(y, c.height)*c.width:][:c.width]
		dst := c.pixels[(y+c.margin)*c.stride:][:c.stride]
		for i, column := range c.columns[:c.margin] {
			dst[i] = src[column]
		}
		copy(dst[c.margin:], src)
		for i := c.margin + c.width; i < c.stride; i++ {
			dst[i] = src[c.columns[i]]
		}
	}
}

// interpolate fills plane with the values at the points that the placement
// brings to its pixels.
func (c *canvas) interpolate(plane []float32, p placement) {
	sin, cos := math.Sincos(p.angle)
	sin, cos = sin/p.zoom, cos/p.zoom
	unit := float32(1 / (p.zoom * p.zoom)) // flux is kept
	cx, cy := float64(c.width-1)/2, float64(c.height-1)/2
	for y := range c.height {
		// The point that comes to (0, y), on the canvas.
		x, y0 := -cx-float64(p.dx), float64(y)-cy-float64(p.dy)
		u0 := x*cos + y0*sin + cx + float64(c.margin)
		v0 := -x*sin + y0*cos + cy + float64(c.margin)
		row := plane[y*c.width:][:c.width]
		for x := range row {
			row[x] = unit * c.at(u0+float64(x)*cos, v0-float64(x)*sin)
		}
	}
}

// at returns the value at column u and row v, which are at least 1 and less than
// the last but one.
func (c *canvas) at(u, v float64) float32 {
	i, j := int(u), int(v)
	a0, a1, a2, a3 := cubic(float32(u - float64(i)))
	b0, b1, b2, b3 := cubic(float32(v - float64(j)))
	k := (j-1)*c.stride + i - 1
	r0 := c.pixels[k:][:4]
	r1 := c.pixels[k+c.stride:][:4]
	r2 := c.pixels[k+2*c.stride:][:4]
	r3 := c.pixels[k+3*c.stride:][:4]
	return b0*(a0*r0[0]+a1*r0[1]+a2*r0[2]+a3*r0[3]) +
		b1*(a0*r1[0]+a1*r1[1]+a2*r1[2]+a3*r1[3]) +
		b2*(a0*r2[0]+a1*r2[1]+a2*r2[2]+a3*r2[3]) +
		b3*(a0*r3[0]+a1*r3[1]+a2*r3[2]+a3*r3[3])
}

// cubic returns Keys' weights of the values at -1, 0, 1 and 2 for the point t,
// 0 ≤ t < 1. Their sum is 1.
func cubic(t float32) (w0, w1, w2, w3 float32) {
	w0 = t * (-0.5 + t*(1-0.5*t))
	w1 = 1 + t*t*(-2.5+1.5*t)
	w2 = t * (0.5 + t*(2-1.5*t))
	w3 = t * t * (-0.5 + 0.5*t)
	return
}
