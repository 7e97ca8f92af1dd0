package survey

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"lensbench/system/npy"
)

// A Set is an opened data set. It holds no file open, does not change, and may
// be used by any number of goroutines.
type Set struct {
	dir      string
	manifest Manifest
}

// Open opens a data set: its manifest must be sound, and all its files there in
// their right sizes. Verify looks into them.
func Open(dir string) (*Set, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("open data set: %w", err)
	}
	s := &Set{dir, m}
	var size int64
	for i := range m.Images {
		st, err := os.Stat(s.path(i))
		if err != nil {
			return nil, fmt.Errorf("open data set: %w", err)
		}
		if i == 0 {
			size = st.Size()
		}
		if st.Size() != size {
			return nil, fmt.Errorf("open data set: %s has %d bytes, %s has %d", s.path(i), st.Size(), s.path(0), size)
		}
	}
	return s, nil
}

// Dir returns the directory of the set.
func (s *Set) Dir() string { return s.dir }

// Len returns the number of images.
func (s *Set) Len() int { return len(s.manifest.Images) }

// Pixels returns the side of an image.
func (s *Set) Pixels() int { return s.manifest.Spec.Pixels }

// Bands returns the number of bands of an image.
func (s *Set) Bands() int { return s.manifest.Spec.Bands }

// Label returns 1 if image i is a lens, else 0.
func (s *Set) Label(i int) int { return s.manifest.Images[i].Label }

// Manifest returns all that is known of the set; it is not to be changed.
func (s *Set) Manifest() Manifest { return s.manifest }

func (s *Set) path(i int) string {
	return filepath.Join(s.dir, filepath.FromSlash(s.manifest.Images[i].File))
}

// Read reads image i, [bands, rows, columns], into dst, which has just that many
// elements. A file that is truncated, of another shape or type, or has a value
// that is not finite is an error that names it.
func (s *Set) Read(i int, dst []float32) error {
	return readNumPy(s.path(i), []int{s.Bands(), s.Pixels(), s.Pixels()}, dst)
}

// firstNotFinite returns the index of the first value that is infinite or not a
// number, or -1. It looks at bits: comparing floats took longer than reading the
// file.
func firstNotFinite(v []float32) int {
	const exponent = 0x7f800000 // all ones in what is not finite
	return slices.IndexFunc(v, func(x float32) bool { return math.Float32bits(x)&exponent == exponent })
}

// Verify compares every file with the hash in the manifest.
func (s *Set) Verify() error {
	for i, e := range s.manifest.Images {
		b, err := os.ReadFile(s.path(i))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != e.SHA256 {
			return fmt.Errorf("%s: SHA-256 is %x, the manifest says %s", s.path(i), sum, e.SHA256)
		}
	}
	return nil
}

// encode returns the bytes of an image's file.
func encode(shape []int, pixels []float32) ([]byte, error) {
	var b bytes.Buffer
	err := npy.Write(&b, shape, pixels)
	return b.Bytes(), err
}
