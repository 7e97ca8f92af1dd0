package augment

import "slices"

// A symmetry is one of the eight of a square: any of a transposition, then a
// mirroring of the columns, then one of the rows.
type symmetry uint8

const (
	transpose symmetry = 1 << iota
	mirrorColumns
	mirrorRows

	symmetries // how many there are
)

// apply moves the values of a plane, in place. One that is not square is not
// transposed.
func (s symmetry) apply(plane []float32, height, width int) {
	if s&transpose != 0 && height == width {
		transposeSquare(plane, width)
	}
	if s&mirrorColumns != 0 {
		for row := range slices.Chunk(plane, width) {
			slices.Reverse(row)
		}
	}
	if s&mirrorRows != 0 {
		for top, bottom := 0, (height-1)*width; top < bottom; top, bottom = top+width, bottom-width {
			swap(plane[top:][:width], plane[bottom:][:width])
		}
	}
}

// transposeSquare exchanges rows and columns, a block at a time: the rows of a
// block stay in the cache while its columns are walked.
func transposeSquare(plane []float32, side int) {
	const block = 16
	for top := 0; top < side; top += block {
		for left := 0; left <= top; left += block {
			for y := top; y < min(top+block, side); y++ {
				for x := left; x < min(left+block, y); x++ {
					plane[y*side+x], plane[x*side+y] = plane[x*side+y], plane[y*side+x]
				}
			}
		}
	}
}

func swap(a, b []float32) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}
