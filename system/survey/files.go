package survey

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lensbench/system/npy"
)

// Options say how images are opened.
type Options struct {
	// HDUs are the names or numbers of the HDUs of FITS files that make up an
	// image, a band each, or one that holds all bands; none: all images in a file.
	HDUs []string
}

// OpenImages opens the images at path: a data set; a CSV file that lists images,
// or a directory with such a manifest.csv; a directory of images, or one with two
// of them, lens and nonlens; or a single file, of one image or of a stack of them.
func OpenImages(path string) (Images, error) { return OpenWith(path, Options{}) }

// OpenWith is OpenImages with options.
func OpenWith(path string, o Options) (Images, error) {
	images, err := open(path, o)
	if err == nil && len(o.HDUs) > 0 && !hasFITS(images) {
		return nil, fmt.Errorf("open images: %s: no FITS file there, so no HDU %s", path, strings.Join(o.HDUs, ", "))
	}
	return images, err
}

func hasFITS(images Images) bool {
	files, ok := images.(*Files)
	return ok && slices.ContainsFunc(files.files, func(f file) bool {
		format, err := formatOf(f.path)
		return err == nil && format.fits
	})
}

func open(path string, o Options) (Images, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open images: %w", err)
	}
	switch {
	case !info.IsDir() && strings.EqualFold(filepath.Ext(path), ".csv"):
		return openCSV(path, o)
	case !info.IsDir():
		return openOne(path, o)
	case isThere(path, manifestName):
		return Open(path)
	case isThere(path, CSVName):
		return openCSV(filepath.Join(path, CSVName), o)
	case isThere(path, lensDir) || isThere(path, nonlensDir):
		return openClasses(path, o)
	}
	return openDirectory(path, o)
}

func isThere(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// Names of the directories of labelled images.
const (
	lensDir    = "lens"
	nonlensDir = "nonlens"
)

// A file is where one image is.
type file struct {
	path   string
	hdus   []string // see Options
	double bool     // .npy of float64
	label  int
	line   int    // in the manifest that names it; 0: none does
	sha256 string // hexadecimal; "": not known

	// The image is offset + factor times what is stored. Factor 0 is 1.
	factor, offset float64
}

// Files are images in files, one each. Nothing is held open, and any number of
// goroutines may use them.
type Files struct {
	files                []file
	bands, height, width int
	parts                map[string][]int // nil: they are not split
}

var _ Parted = (*Files)(nil)

// OpenFiles opens a directory of images of one format, in the order of their
// names. Nobody says what they are. Their shape is that of the first; Read says
// when another has not.
func OpenFiles(dir string) (*Files, error) { return openDirectory(dir, Options{}) }

func openDirectory(dir string, o Options) (*Files, error) {
	paths, err := list(dir)
	if err != nil {
		return nil, fmt.Errorf("open images: %w", err)
	}
	return newFiles(filesAt(paths, o, Unlabelled))
}

// openClasses opens directories of lenses and of others.
func openClasses(dir string, o Options) (*Files, error) {
	var files []file
	for label, name := range []string{NotLens: nonlensDir, IsLens: lensDir} {
		paths, err := list(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open images: %s has a directory %s, but none %s", dir, []string{lensDir, nonlensDir}[label], name)
		}
		if err != nil {
			return nil, fmt.Errorf("open images: %w", err)
		}
		files = append(files, filesAt(paths, o, label)...)
	}
	return newFiles(files)
}

// Labels of images.
const (
	NotLens = 0
	IsLens  = 1
)

// openOne opens a single file: one image, or an .npy of many.
func openOne(path string, o Options) (Images, error) {
	if strings.EqualFold(filepath.Ext(path), ".npy") {
		h, err := numPyHeader(path)
		if err != nil {
			return nil, fmt.Errorf("open images: %s: %w", path, err)
		}
		if len(h.Shape) == 4 {
			return openStack(path, h)
		}
	}
	return newFiles(filesAt([]string{path}, o, Unlabelled))
}

// list returns the paths of the visible files of a directory, which are of one
// format.
func list(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.IsDir() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if len(paths) > 0 && filepath.Ext(path) != filepath.Ext(paths[0]) {
			return nil, fmt.Errorf("%s and %s are not of one kind", paths[0], path)
		}
		paths = append(paths, path)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no files", dir)
	}
	return paths, nil
}

func filesAt(paths []string, o Options, label int) []file {
	files := make([]file, len(paths))
	for i, path := range paths {
		files[i] = file{path: path, hdus: o.HDUs, label: label}
	}
	return files
}

// newFiles looks into the first file, and finds arrays of float64.
func newFiles(files []file) (*Files, error) {
	for i := range files {
		if _, err := formatOf(files[i].path); err != nil {
			return nil, fmt.Errorf("open images: %w", err)
		}
		if strings.EqualFold(filepath.Ext(files[i].path), ".npy") && i == 0 {
			h, err := numPyHeader(files[i].path)
			if err != nil {
				return nil, fmt.Errorf("open images: %s: %w", files[i].path, err)
			}
			files[i].double = h.Descr == "<f8"
		}
		files[i].double = files[0].double && filepath.Ext(files[i].path) == filepath.Ext(files[0].path)
	}
	f := &Files{files: files}
	first, _ := formatOf(files[0].path)
	shape, err := first.shape(files[0])
	if err != nil {
		return nil, fmt.Errorf("open images: %w", named(files[0].path, err))
	}
	f.bands, f.height, f.width = shape[0], shape[1], shape[2]
	return f, nil
}

// named puts a path before an error, unless it is there already.
func named(path string, err error) error {
	if strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), " "+path+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Len returns the number of images.
func (f *Files) Len() int { return len(f.files) }

// Shape returns the shape of an image.
func (f *Files) Shape() (bands, height, width int) { return f.bands, f.height, f.width }

// Label returns the label of image i; see Images.
func (f *Files) Label(i int) int { return f.files[i].label }

// Name returns the path of image i.
func (f *Files) Name(i int) string { return f.files[i].path }

// Part returns the indices of the images of a part.
func (f *Files) Part(name string) []int { return f.parts[name] }

// Read reads image i; see Images. If the file's hash is known, it must be that.
func (f *Files) Read(i int, dst []float32) error {
	from := f.files[i]
	if from.sha256 != "" {
		if err := from.checkHash(); err != nil {
			return err
		}
	}
	format, err := formatOf(from.path)
	if err == nil {
		err = format.read(from, []int{f.bands, f.height, f.width}, dst)
	}
	if err != nil {
		return named(from.path, err)
	}
	if from.factor != 0 && (from.factor != 1 || from.offset != 0) {
		for k, v := range dst {
			dst[k] = float32(from.offset + from.factor*float64(v))
		}
	}
	if k := firstNotFinite(dst); k >= 0 {
		return f.notFinite(from.path, dst[k], k)
	}
	return nil
}

func (f *Files) notFinite(path string, v float32, k int) error {
	return fmt.Errorf("%s: value %g in band %d, row %d, column %d is not finite", path, v, k/(f.height*f.width), k/f.width%f.height, k%f.width)
}

func (f file) checkHash() error {
	from, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer from.Close()
	h := sha256.New()
	if _, err := io.Copy(h, from); err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(sum, f.sha256) {
		return fmt.Errorf("%s: SHA-256 is %s, the manifest says %s; the file was changed", f.path, sum, f.sha256)
	}
	return nil
}

// readNumPy reads the image of a .npy file of float32.
func readNumPy(path string, want []int, dst []float32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	shape, err := npy.ReadInto(f, dst)
	if err == nil && len(shape) == 2 {
		shape = []int{1, shape[0], shape[1]}
	}
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
