package survey

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"lensbench/system/npy"
)

// A Stack is the images of one .npy file of shape [images, bands, height, width],
// float32 or float64. Nothing is held open.
type Stack struct {
	path   string
	header npy.Header
	data   int64 // first byte of the values
}

var _ Images = (*Stack)(nil)

func openStack(path string, h npy.Header) (*Stack, error) {
	if slices.Contains(h.Shape, 0) {
		return nil, fmt.Errorf("open images: %s: shape %s has no images", path, npy.ShapeString(h.Shape))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := npy.ReadHeader(f); err != nil {
		return nil, fmt.Errorf("open images: %s: %w", path, err)
	}
	s := &Stack{path: path, header: h}
	if s.data, err = f.Seek(0, io.SeekCurrent); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if want := s.data + int64(h.Len())*s.size(); info.Size() != want {
		return nil, fmt.Errorf("open images: %s: %d bytes, want %d for shape %s", path, info.Size(), want, npy.ShapeString(h.Shape))
	}
	return s, nil
}

// size returns the bytes of a value.
func (s *Stack) size() int64 {
	if s.header.Descr == "<f8" {
		return 8
	}
	return 4
}

// Len returns the number of images.
func (s *Stack) Len() int { return s.header.Shape[0] }

// Shape returns the shape of an image.
func (s *Stack) Shape() (bands, height, width int) {
	return s.header.Shape[1], s.header.Shape[2], s.header.Shape[3]
}

// Label returns Unlabelled.
func (s *Stack) Label(int) int { return Unlabelled }

// Name returns the path of the file and the number of the image.
func (s *Stack) Name(i int) string { return fmt.Sprintf("%s[%d]", s.path, i) }

// Read reads image i; see Images.
func (s *Stack) Read(i int, dst []float32) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	each := int64(len(dst)) * s.size()
	b := make([]byte, each)
	if _, err := f.ReadAt(b, s.data+int64(i)*each); err != nil {
		return fmt.Errorf("%s: %w", s.Name(i), err)
	}
	littleEndian(b, dst)
	if k := firstNotFinite(dst); k >= 0 {
		_, height, width := s.Shape()
		return fmt.Errorf("%s: value %g in band %d, row %d, column %d is not finite", s.Name(i), dst[k], k/(height*width), k/width%height, k%width)
	}
	return nil
}

// doubles returns the values of image i if they are float64.
func (s *Stack) doubles(i int) ([]float64, bool, error) {
	if s.size() != 8 {
		return nil, false, nil
	}
	bands, height, width := s.Shape()
	f, err := os.Open(s.path)
	if err != nil {
		return nil, true, err
	}
	defer f.Close()
	values := make([]float64, bands*height*width)
	each := int64(len(values)) * 8
	err = binary.Read(io.NewSectionReader(f, s.data+int64(i)*each, each), binary.LittleEndian, values)
	if err == nil {
		err = finite(values)
	}
	if err != nil {
		return nil, true, fmt.Errorf("%s: %w", s.Name(i), err)
	}
	return values, true, nil
}

// littleEndian converts float32s, or float64s of twice the bytes.
func littleEndian(b []byte, dst []float32) {
	double := len(b) == 8*len(dst)
	for i := range dst {
		if double {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		} else {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
}
