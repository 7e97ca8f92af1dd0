package survey

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"lensbench/system/npy"
	"lensbench/system/raster"
)

// OpenImages opens the images at path: a data set, or a directory of images.
func OpenImages(path string) (Images, error) {
	if _, err := os.Stat(filepath.Join(path, manifestName)); err == nil {
		return Open(path)
	}
	return OpenFiles(path)
}

// Files are the images of a directory, one per file, all .npy (float32, [bands,
// height, width]) or all .png, in the order of their names. Nobody says what they
// are. Nothing is held open, and any number of goroutines may use them.
type Files struct {
	paths                []string
	read                 func(path string, shape []int, dst []float32) error
	bands, height, width int
}

var _ Images = (*Files)(nil)

// OpenFiles opens a directory of images. Their shape is that of the first; Read
// says when another has not.
func OpenFiles(dir string) (*Files, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open images: %w", err)
	}
	f := &Files{}
	extension := ""
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.IsDir() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if extension == "" {
			extension = filepath.Ext(path)
		}
		if filepath.Ext(path) != extension {
			return nil, fmt.Errorf("open images: %s and %s are not of one kind", f.paths[0], path)
		}
		f.paths = append(f.paths, path)
	}
	var shape []int
	switch extension {
	case ".npy":
		f.read = readNumPy
		shape, err = numPyShape(f.paths[0])
	case ".png":
		f.read = readPNG
		shape, err = pngShape(f.paths[0])
	case "":
		return nil, fmt.Errorf("open images: %s has no files", dir)
	default:
		return nil, fmt.Errorf("open images: %s is neither .npy nor .png", f.paths[0])
	}
	if err != nil {
		return nil, fmt.Errorf("open images: %s: %w", f.paths[0], err)
	}
	f.bands, f.height, f.width = shape[0], shape[1], shape[2]
	return f, nil
}

// Len returns the number of images.
func (f *Files) Len() int { return len(f.paths) }

// Shape returns the shape of an image.
func (f *Files) Shape() (bands, height, width int) { return f.bands, f.height, f.width }

// Label returns Unlabelled.
func (f *Files) Label(int) int { return Unlabelled }

// Name returns the path of image i.
func (f *Files) Name(i int) string { return f.paths[i] }

// Read reads image i; see Images.
func (f *Files) Read(i int, dst []float32) error {
	return f.read(f.paths[i], []int{f.bands, f.height, f.width}, dst)
}

func numPyShape(path string) ([]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := npy.ReadHeader(f)
	if err == nil && (len(h.Shape) != 3 || slices.Contains(h.Shape, 0)) {
		err = fmt.Errorf("shape %s, want [bands, height, width]", npy.ShapeString(h.Shape))
	}
	return h.Shape, err
}

func pngShape(path string) ([]int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h, err := raster.ReadHeader(b)
	return []int{h.Bands, h.Height, h.Width}, err
}

// readNumPy reads the image of a .npy file.
func readNumPy(path string, want []int, dst []float32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	shape, err := npy.ReadInto(f, dst)
	switch {
	case err != nil:
		return fmt.Errorf("%s: want float32 %s: %w", path, npy.ShapeString(want), err)
	case !slices.Equal(shape, want):
		return fmt.Errorf("%s: shape %s, want %s [bands, rows, columns]", path, npy.ShapeString(shape), npy.ShapeString(want))
	}
	if k := firstNotFinite(dst); k >= 0 {
		b, y, x := k/(want[1]*want[2]), k/want[2]%want[1], k%want[2]
		return fmt.Errorf("%s: value %g in band %d, row %d, column %d is not finite", path, dst[k], b, y, x)
	}
	return nil
}

// A pngReader is the memory that it takes to read PNGs.
type pngReader struct {
	bytes   bytes.Buffer
	decoder raster.Decoder
}

var pngReaders = sync.Pool{New: func() any { return new(pngReader) }}

// readPNG reads the image of a .png file.
func readPNG(path string, want []int, dst []float32) error {
	r := pngReaders.Get().(*pngReader)
	defer pngReaders.Put(r)
	if err := r.read(path, want, dst); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
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
	if shape := []int{h.Bands, h.Height, h.Width}; !slices.Equal(shape, want) {
		return fmt.Errorf("shape %s, want %s [bands, rows, columns]", npy.ShapeString(shape), npy.ShapeString(want))
	}
	return r.decoder.Decode(r.bytes.Bytes(), dst)
}
