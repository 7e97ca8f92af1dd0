// Package tile covers a large field with overlapping tiles of the size that a
// network takes, blends what the network says of the tiles into a map, and finds
// candidates in it.
//
// # Map
//
// A tile's logit stands for its centre more than for its edge. So at every pixel
// the map is the mean of the logits of all tiles over it, weighted by a separable
// window, w(x)·w(y) with w(x) = ε + sin²(πx/T) over a tile of side T, which is above
// 0 everywhere: each pixel, at the edges of the field too, has a value.
//
// # Candidates
//
// A candidate is a tile whose logit reaches a threshold and is the highest within
// half a tile; its place is the mean of the centres of tiles around it that reach
// the threshold, weighted by how far.
//
// Not here: scoring, package score.
package tile

import (
	"fmt"
	"math"
	"slices"

	"lensbench/system/survey"
)

// epsilon is the weight of a tile at its corners.
const epsilon = 1e-3

// A Grid is the tiles of a field. The last of each row and column end with the
// field, so strides there may be shorter.
type Grid struct {
	Height, Width int // of the field, pixels
	Tile, Stride  int // side of a tile, and steps between them, pixels
	rows, columns []int
}

// New covers a field.
func New(height, width, tile, stride int) (*Grid, error) {
	switch {
	case tile < 1 || height < tile || width < tile:
		return nil, fmt.Errorf("a field of %d×%d pixels has no room for a tile of %d×%d", height, width, tile, tile)
	case stride < 1 || stride > tile:
		return nil, fmt.Errorf("stride %d: want 1 to %d, the side of a tile, so that no pixel is left out", stride, tile)
	}
	return &Grid{height, width, tile, stride, starts(height, tile, stride), starts(width, tile, stride)}, nil
}

func starts(length, tile, stride int) (out []int) {
	for at := 0; at < length-tile; at += stride {
		out = append(out, at)
	}
	return append(out, length-tile)
}

// Len returns the number of tiles.
func (g *Grid) Len() int { return len(g.rows) * len(g.columns) }

// Corner returns the first row and column of tile i.
func (g *Grid) Corner(i int) (row, column int) {
	return g.rows[i/len(g.columns)], g.columns[i%len(g.columns)]
}

// Map blends the logits of all tiles into one per pixel, row by row.
func (g *Grid) Map(logits []float64) []float32 {
	window := make([]float64, g.Tile)
	for i := range window {
		s := math.Sin(math.Pi * (float64(i) + 0.5) / float64(g.Tile))
		window[i] = epsilon + s*s
	}
	sum, weight := make([]float64, g.Height*g.Width), make([]float64, g.Height*g.Width)
	for i, z := range logits {
		row, column := g.Corner(i)
		for dy, wy := range window {
			at := (row+dy)*g.Width + column
			for dx, wx := range window {
				sum[at+dx] += wy * wx * z
				weight[at+dx] += wy * wx
			}
		}
	}
	out := make([]float32, len(sum))
	for k := range out {
		out[k] = float32(sum[k] / weight[k])
	}
	return out
}

// A Candidate is a place that may be a lens.
type Candidate struct {
	Row, Column float64 // centre, in pixels from the middle of the field's first one
	Logit       float64 // of the tile that shows it best
}

// Candidates returns those whose logit is at least threshold, the best first.
func (g *Grid) Candidates(logits []float64, threshold float64) (found []Candidate) {
	order := make([]int, 0, len(logits))
	for i, z := range logits {
		if z >= threshold {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	var peaks []int
	for _, i := range order {
		if !slices.ContainsFunc(peaks, func(k int) bool { return g.near(i, k) }) {
			peaks = append(peaks, i)
			found = append(found, g.candidate(i, order, logits, threshold))
		}
	}
	return found
}

// candidate is the one whose best tile is i.
func (g *Grid) candidate(i int, above []int, logits []float64, threshold float64) Candidate {
	c := Candidate{Logit: logits[i]}
	sum := 0.0
	for _, k := range above {
		if !g.near(i, k) {
			continue
		}
		w := logits[k] - threshold
		if k == i {
			w += 1e-9 // of a peak that just reaches the threshold
		}
		row, column := g.Corner(k)
		sum += w
		c.Row += w * float64(row)
		c.Column += w * float64(column)
	}
	half := float64(g.Tile-1) / 2
	c.Row, c.Column = c.Row/sum+half, c.Column/sum+half
	return c
}

// near says whether two tiles overlap by half or more in both directions.
func (g *Grid) near(i, k int) bool {
	r, c := g.Corner(i)
	s, d := g.Corner(k)
	return 2*max(r-s, s-r) <= g.Tile && 2*max(c-d, d-c) <= g.Tile
}

// Images are the tiles of a field as images.
type Images struct {
	grid   *Grid
	name   string
	bands  int
	pixels []float32 // of the field
}

var _ survey.Images = (*Images)(nil)

// NewImages cuts a field [bands, height, width], which is called name in errors.
func NewImages(g *Grid, name string, bands int, pixels []float32) *Images {
	if len(pixels) != bands*g.Height*g.Width {
		panic(fmt.Sprintf("tile: %d pixels for %d bands of %d×%d", len(pixels), bands, g.Height, g.Width))
	}
	return &Images{g, name, bands, pixels}
}

// Len returns the number of tiles.
func (m *Images) Len() int { return m.grid.Len() }

// Shape returns the shape of a tile.
func (m *Images) Shape() (bands, height, width int) { return m.bands, m.grid.Tile, m.grid.Tile }

// Label returns survey.Unlabelled.
func (m *Images) Label(int) int { return survey.Unlabelled }

// Name says where tile i is.
func (m *Images) Name(i int) string {
	row, column := m.grid.Corner(i)
	return fmt.Sprintf("%s: tile at row %d, column %d", m.name, row, column)
}

// Read copies tile i.
func (m *Images) Read(i int, dst []float32) error {
	row, column := m.grid.Corner(i)
	g := m.grid
	for b := range m.bands {
		for dy := range g.Tile {
			from := m.pixels[(b*g.Height+row+dy)*g.Width+column:]
			copy(dst[(b*g.Tile+dy)*g.Tile:][:g.Tile], from)
		}
	}
	return nil
}
