package survey

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/tiff"

	"lensbench/system/fits"
	"lensbench/system/npy"
	"lensbench/system/raster"
)

// A format is a way of storing one image in a file.
type format struct {
	extensions []string
	// shape returns [bands, height, width] of the image of a file.
	shape func(f file) ([]int, error)
	// read reads it; the shape must be what is wanted.
	read func(f file, want []int, dst []float32) error
	fits bool // has HDUs
}

var formats = []format{
	{[]string{".npy"}, numPyShape, readNumPyFile, false},
	{[]string{".fits", ".fit", ".fts"}, fitsShape, readFITS, true},
	{[]string{".png"}, pngShape, readPNG, false},
	{[]string{".tiff", ".tif"}, tiffShape, readTIFF, false},
}

// formatOf returns the format that a file's name says.
func formatOf(path string) (*format, error) {
	var known []string
	for i := range formats {
		if slices.Contains(formats[i].extensions, strings.ToLower(filepath.Ext(path))) {
			return &formats[i], nil
		}
		known = append(known, formats[i].extensions[0])
	}
	return nil, fmt.Errorf("%s is none of %s", path, strings.Join(known, ", "))
}

// threeAxes checks a shape, and gives an image of one band its first axis.
func threeAxes(shape []int) ([]int, error) {
	if len(shape) == 2 {
		shape = []int{1, shape[0], shape[1]}
	}
	if len(shape) != 3 || slices.Contains(shape, 0) {
		return nil, fmt.Errorf("shape %s, want [bands, height, width]", npy.ShapeString(shape))
	}
	return shape, nil
}

func sameShape(got, want []int) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("shape %s, want %s [bands, rows, columns]", npy.ShapeString(got), npy.ShapeString(want))
	}
	return nil
}

func numPyHeader(path string) (npy.Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return npy.Header{}, err
	}
	defer f.Close()
	return npy.ReadHeader(f)
}

func numPyShape(f file) ([]int, error) {
	h, err := numPyHeader(f.path)
	if err != nil {
		return nil, err
	}
	return threeAxes(h.Shape)
}

// readNumPyFile reads an array of float32 or float64.
func readNumPyFile(f file, want []int, dst []float32) error {
	if !f.double {
		return readNumPy(f.path, want, dst)
	}
	shape, values, err := npy.ReadFile[float64](f.path)
	if err == nil {
		shape, err = threeAxes(shape)
	}
	if err == nil {
		err = sameShape(shape, want)
	}
	if err != nil {
		return err
	}
	for i, v := range values {
		dst[i] = float32(v)
	}
	return nil
}

// fitsImages opens a file and finds the HDUs that make up its image: those that
// are named, or all that are images.
func fitsImages(f file) (*fits.File, []int, error) {
	from, err := fits.Open(f.path)
	if err != nil {
		return nil, nil, err
	}
	index, err := findHDUs(from, f.hdus)
	if err == nil && len(index) == 0 {
		err = fmt.Errorf("%s: no HDU has an image", f.path)
	}
	if err != nil {
		from.Close()
		return nil, nil, err
	}
	return from, index, nil
}

func findHDUs(from *fits.File, names []string) (index []int, err error) {
	if len(names) == 0 {
		return from.Images()
	}
	for _, name := range names {
		at, err := from.Find(name)
		if err != nil {
			return nil, err
		}
		index = append(index, at)
	}
	return index, nil
}

// fitsShape is that of one HDU, or of several of equal size, a band each.
func fitsShape(f file) ([]int, error) {
	from, index, err := fitsImages(f)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	return stackedShape(f.path, from, index)
}

func stackedShape(path string, from *fits.File, index []int) ([]int, error) {
	first := from.HDUs[index[0]]
	if len(index) == 1 {
		shape, err := threeAxes(first.Shape)
		if err != nil {
			return nil, fmt.Errorf("%s: HDU %d: %w", path, first.Index, err)
		}
		return shape, nil
	}
	for _, i := range index {
		h := from.HDUs[i]
		if len(h.Shape) != 2 || !slices.Equal(h.Shape, first.Shape) {
			return nil, fmt.Errorf("%s: HDU %d has shape %s, HDU %d %s; bands want one size", path,
				h.Index, npy.ShapeString(h.Shape), first.Index, npy.ShapeString(first.Shape))
		}
	}
	return []int{len(index), first.Shape[0], first.Shape[1]}, nil
}

func readFITS(f file, want []int, dst []float32) error {
	from, index, err := fitsImages(f)
	if err != nil {
		return err
	}
	defer from.Close()
	return readHDUs(f, from, index, want, dst)
}

// readHDUs reads the image that HDUs make up.
func readHDUs[T float32 | float64](f file, from *fits.File, index, want []int, dst []T) error {
	shape, err := stackedShape(f.path, from, index)
	if err == nil {
		err = sameShape(shape, want)
	}
	if err != nil {
		return err
	}
	each := len(dst) / len(index)
	for k, i := range index {
		plane := dst[k*each : (k+1)*each]
		if err := fits.Read(from, i, plane); err != nil {
			return err
		}
		if at := slices.IndexFunc(plane, func(v T) bool { return v-v != 0 }); at >= 0 {
			return notFiniteIn(i, float64(plane[at]), at, len(index) == 1 && want[0] > 1, want)
		}
	}
	return nil
}

// notFiniteIn is the error about value number at of HDU i, which may be a cube.
func notFiniteIn(i int, v float64, at int, cube bool, want []int) error {
	band := ""
	if cube {
		band = fmt.Sprintf("band %d, ", at/(want[1]*want[2]))
	}
	return fmt.Errorf("HDU %d: value %g at %srow %d, column %d is not finite", i, v, band, at/want[2]%want[1], at%want[2])
}

func pngShape(f file) ([]int, error) {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	h, err := raster.ReadHeader(b)
	return []int{h.Bands, h.Height, h.Width}, err
}

// A pngReader is the memory that it takes to read PNGs.
type pngReader struct {
	bytes   bytes.Buffer
	decoder raster.Decoder
}

var pngReaders = sync.Pool{New: func() any { return new(pngReader) }}

func readPNG(f file, want []int, dst []float32) error {
	r := pngReaders.Get().(*pngReader)
	defer pngReaders.Put(r)
	return r.read(f.path, want, dst)
}

func (r *pngReader) read(path string, want []int, dst []float32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r.bytes.Reset()
	if _, err := r.bytes.ReadFrom(f); err != nil {
		return err
	}
	h, err := raster.ReadHeader(r.bytes.Bytes())
	if err != nil {
		return err
	}
	if err := sameShape([]int{h.Bands, h.Height, h.Width}, want); err != nil {
		return err
	}
	return r.decoder.Decode(r.bytes.Bytes(), dst)
}

// openTIFF decodes a picture, which is grey or red, green and blue.
func openTIFF(path string) (image.Image, []int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	if err := checkTIFF(b); err != nil {
		return nil, nil, err
	}
	config, err := tiff.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, nil, fmt.Errorf("not a readable TIFF: %w", err)
	}
	if n := config.Width * config.Height; n <= 0 || n > 1000*len(b) { // nothing compresses like that
		return nil, nil, fmt.Errorf("not a readable TIFF: %d×%d pixels in %d bytes", config.Width, config.Height, len(b))
	}
	m, err := tiff.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, nil, fmt.Errorf("not a readable TIFF: %w", err)
	}
	bands := 3
	switch m.(type) {
	case *image.Gray, *image.Gray16:
		bands = 1
	case *image.RGBA, *image.RGBA64, *image.NRGBA, *image.NRGBA64:
	default:
		return nil, nil, fmt.Errorf("TIFF with pixels of type %T; want grey, or red, green and blue", m)
	}
	return m, []int{bands, m.Bounds().Dy(), m.Bounds().Dx()}, nil
}

func tiffShape(f file) ([]int, error) {
	_, shape, err := openTIFF(f.path)
	return shape, err
}

func readTIFF(f file, want []int, dst []float32) error {
	m, shape, err := openTIFF(f.path)
	if err == nil {
		err = sameShape(shape, want)
	}
	if err != nil {
		return err
	}
	scale := uint32(1)
	switch m.(type) {
	case *image.Gray, *image.RGBA, *image.NRGBA:
		scale = 257 // the values of 8 bits, as they are in the file
	}
	b := m.Bounds()
	each := b.Dx() * b.Dy()
	for y := range b.Dy() {
		for x := range b.Dx() {
			red, green, blue, alpha := m.At(b.Min.X+x, b.Min.Y+y).RGBA()
			if alpha != 0xffff {
				return fmt.Errorf("TIFF with a transparent pixel in row %d, column %d", y, x)
			}
			at := y*b.Dx() + x
			dst[at] = float32(red / scale)
			if shape[0] == 3 {
				dst[each+at], dst[2*each+at] = float32(green/scale), float32(blue/scale)
			}
		}
	}
	return nil
}
