package augment

import (
	"slices"
	"testing"
)

// numbers returns a plane with another number in each pixel.
func numbers(height, width int) []float32 {
	v := make([]float32, height*width)
	for i := range v {
		v[i] = float32(i)
	}
	return v
}

func applied(s symmetry, plane []float32, height, width int) []float32 {
	v := slices.Clone(plane)
	s.apply(v, height, width)
	return v
}

func TestSymmetriesOfASmallSquare(t *testing.T) {
	square := []float32{
		0, 1,
		2, 3}
	for s, want := range [symmetries][]float32{
		0:                                      {0, 1, 2, 3},
		transpose:                              {0, 2, 1, 3},
		mirrorColumns:                          {1, 0, 3, 2},
		mirrorRows:                             {2, 3, 0, 1},
		mirrorColumns | mirrorRows:             {3, 2, 1, 0}, // half a turn
		transpose | mirrorColumns:              {2, 0, 3, 1}, // a quarter turn
		transpose | mirrorRows:                 {1, 3, 0, 2}, // the other
		transpose | mirrorColumns | mirrorRows: {3, 1, 2, 0},
	} {
		if got := applied(symmetry(s), square, 2, 2); !slices.Equal(got, want) {
			t.Errorf("symmetry %d gives %v, want %v", s, got, want)
		}
	}
}

// The eight differ, any two after each other are a third, and each has an
// inverse: they are a group. Mirrorings, transpositions and the half turn undo
// themselves.
func TestSymmetriesAreTheGroupOfTheSquare(t *testing.T) {
	for _, side := range []int{2, 3, 5, 16, 33, 64} {
		square := numbers(side, side)
		var all [][]float32
		for s := range symmetries {
			all = append(all, applied(s, square, side, side))
		}
		number := func(v []float32) int {
			return slices.IndexFunc(all, func(w []float32) bool { return slices.Equal(v, w) })
		}
		for s := range symmetries {
			if number(all[s]) != int(s) {
				t.Errorf("side %d: symmetry %d is the same as %d", side, s, number(all[s]))
			}
			inverses := 0
			for u := range symmetries {
				switch number(applied(u, all[s], side, side)) {
				case 0:
					inverses++
				case -1:
					t.Errorf("side %d: symmetry %d after %d is none", side, u, s)
				}
			}
			if inverses != 1 {
				t.Errorf("side %d: symmetry %d has %d inverses", side, s, inverses)
			}
			quarter := s == transpose|mirrorColumns || s == transpose|mirrorRows
			if twice := number(applied(s, all[s], side, side)); (twice == 0) == quarter {
				t.Errorf("side %d: symmetry %d twice is %d", side, s, twice)
			}
		}
	}
}

func TestAnOblongIsNotTransposed(t *testing.T) {
	oblong := []float32{
		0, 1, 2,
		3, 4, 5}
	for s, want := range map[symmetry][]float32{
		transpose:                              {0, 1, 2, 3, 4, 5},
		transpose | mirrorColumns:              {2, 1, 0, 5, 4, 3},
		mirrorRows:                             {3, 4, 5, 0, 1, 2},
		transpose | mirrorColumns | mirrorRows: {5, 4, 3, 2, 1, 0},
	} {
		if got := applied(s, oblong, 2, 3); !slices.Equal(got, want) {
			t.Errorf("symmetry %d gives %v, want %v", s, got, want)
		}
	}
}

func TestTheDihedralPolicyOnlyMovesValues(t *testing.T) {
	image := noisy(2, 9, 9)
	seen := map[symmetry]bool{}
	for index := range 60 {
		s := Policy{Dihedral: true}.draw(newRand(1, 1, index)).symmetry
		seen[s] = true
		want := slices.Concat(applied(s, image[:81], 9, 9), applied(s, image[81:], 9, 9))
		if !slices.Equal(varied(Policy{Dihedral: true}, image, 2, 9, 9, 1, 1, index), want) {
			t.Errorf("image %d is not symmetry %d of what it was", index, s)
		}
	}
	if len(seen) != int(symmetries) {
		t.Errorf("60 images have %d of %d symmetries", len(seen), symmetries)
	}
}
