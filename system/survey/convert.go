package survey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/tiff"

	"lensbench/system/fits"
	"lensbench/system/npy"
)

// Formats are the names of the formats that Convert writes.
var Formats = []string{"npy", "fits", "png", "tiff"}

// Convert writes images to a new directory, one file each and a manifest.csv with
// their labels, parts and hashes.
//
// npy and fits keep every value; what float32 cannot hold becomes float64. png and tiff have
// 16 bits and one or three bands: the smallest value of an image becomes 0 and the
// largest 65535, and factor and offset in the manifest bring them back, to half a
// step of that.
func Convert(ctx context.Context, images Images, dir, format string, watch Watch) error {
	if !slices.Contains(Formats, format) {
		return fmt.Errorf("convert: format %q is not known; there is %s", format, strings.Join(Formats, ", "))
	}
	bands, height, width := images.Shape()
	if (format == "png" || format == "tiff") && bands != 1 && bands != 3 {
		return fmt.Errorf("convert: %s has one band or three, the images have %d", format, bands)
	}
	w, err := newWorkplace(dir)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	defer w.discard()
	c := &converter{images: images, format: format, shape: []int{bands, height, width}, dir: w.dir, double: hasDoubles(images)}
	c.split, c.bandNames = splits(images), bandNames(images, bands)
	rows := [][]string{{columnFile, columnLabel, columnSplit, columnSHA256, columnFactor, columnOffset}}
	for i := range images.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := c.convert(i)
		if err != nil {
			return fmt.Errorf("convert: %w", err)
		}
		rows = append(rows, row)
		watch(i+1, images.Len())
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, CSVName), b.Bytes(), 0o644); err != nil {
		return err
	}
	return w.publish(dir)
}

// splits returns the part of each image, "" for none.
func splits(images Images) []string {
	out := make([]string, images.Len())
	if p, ok := images.(Parted); ok {
		for _, name := range PartNames {
			for _, i := range p.Part(name) {
				out[i] = name
			}
		}
	}
	return out
}

func bandNames(images Images, bands int) []string {
	names := make([]string, bands)
	if set, ok := SetOf(images); ok {
		for i, b := range set.manifest.Bands {
			names[i] = b.Name
		}
	}
	return names
}

type converter struct {
	images           Images
	format, dir      string
	shape            []int
	split, bandNames []string
	double           bool // npy and fits are of float64
}

// convert writes image i and returns its row of the manifest.
func (c *converter) convert(i int) ([]string, error) {
	b, factor, offset, err := c.encode(i)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%06d.%s", i, c.format)
	if err := os.WriteFile(filepath.Join(c.dir, name), b, 0o644); err != nil {
		return nil, err
	}
	label := ""
	if l := c.images.Label(i); l != Unlabelled {
		label = strconv.Itoa(l)
	}
	sum := sha256.Sum256(b)
	return []string{name, label, c.split[i], hex.EncodeToString(sum[:]), number(factor, 1), number(offset, 0)}, nil
}

// number is empty for what a manifest without the column says.
func number(v, usual float64) string {
	if v == usual {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// encode returns the bytes of image i, and what brings its values back.
func (c *converter) encode(i int) (b []byte, factor, offset float64, err error) {
	floats := c.format == "npy" || c.format == "fits"
	if floats && c.double {
		values, err := c.doubles(i)
		if err != nil {
			return nil, 0, 0, err
		}
		b, err = encodeFloats(c, values)
		return b, 1, 0, err
	}
	pixels := make([]float32, c.shape[0]*c.shape[1]*c.shape[2])
	if err := c.images.Read(i, pixels); err != nil {
		return nil, 0, 0, err
	}
	if floats {
		b, err = encodeFloats(c, pixels)
		return b, 1, 0, err
	}
	low, high := float64(slices.Min(pixels)), float64(slices.Max(pixels))
	if factor = (high - low) / 65535; factor == 0 {
		factor = 1
	}
	b, err = c.picture(pixels, factor, low)
	return b, factor, low, err
}

// hasDoubles says whether one of the images may have more digits than float32. All
// are written alike then, since a directory of .npy is of one type.
func hasDoubles(images Images) bool {
	switch x := images.(type) {
	case *Subset:
		return hasDoubles(x.of)
	case *Stack:
		return x.size() == 8
	case *Files:
		return slices.ContainsFunc(x.files, file.hasDoubles)
	}
	return false
}

// hasDoubles is hasDoubles of one file: .npy of float64, and FITS of float64, of
// long integers, or scaled. Errors are left to reading, which knows the hash.
func (f file) hasDoubles() bool {
	if format, err := formatOf(f.path); err != nil || !format.fits {
		return f.double
	}
	from, index, err := fitsImages(f)
	if err != nil {
		return false
	}
	defer from.Close()
	return slices.ContainsFunc(index, func(i int) bool { return !from.HDUs[i].Single() })
}

// doubles returns the values of image i as float64.
func (c *converter) doubles(i int) ([]float64, error) {
	values, ok, err := doubles(c.images, i, c.shape)
	if err != nil || ok {
		return values, err
	}
	pixels := make([]float32, c.shape[0]*c.shape[1]*c.shape[2])
	if err := c.images.Read(i, pixels); err != nil {
		return nil, err
	}
	for _, v := range pixels {
		values = append(values, float64(v))
	}
	return values, nil
}

// doubles reads image i as float64, if there is more to it than Read tells.
func doubles(images Images, i int, want []int) ([]float64, bool, error) {
	switch x := images.(type) {
	case *Subset:
		return doubles(x.of, x.index[i], want)
	case *Files:
		f := x.files[i]
		if f.factor > 0 && f.factor != 1 || f.offset != 0 {
			return nil, false, nil
		}
		values, ok, err := f.doubles(want)
		if err != nil {
			return nil, true, named(f.path, err)
		}
		return values, ok, nil
	case *Stack:
		return x.doubles(i)
	}
	return nil, false, nil
}

// doubles is doubles of one file.
func (f file) doubles(want []int) (values []float64, ok bool, err error) {
	if f.sha256 != "" {
		if err := f.checkHash(); err != nil {
			return nil, true, err
		}
	}
	format, err := formatOf(f.path)
	switch {
	case err != nil:
		return nil, true, err
	case format.fits:
		values, ok, err = fitsDoubles(f, want)
	case f.double:
		values, ok, err = numPyDoubles(f, want)
	}
	if err == nil {
		err = finite(values)
	}
	return values, ok, err
}

func numPyDoubles(f file, want []int) ([]float64, bool, error) {
	shape, values, err := npy.ReadFile[float64](f.path)
	if err == nil {
		shape, err = threeAxes(shape)
	}
	if err == nil {
		err = sameShape(shape, want)
	}
	return values, true, err
}

func fitsDoubles(f file, want []int) ([]float64, bool, error) {
	from, index, err := fitsImages(f)
	if err != nil {
		return nil, true, err
	}
	defer from.Close()
	values := make([]float64, want[0]*want[1]*want[2])
	return values, true, readHDUs(f, from, index, want, values)
}

func finite(values []float64) error {
	for k, v := range values {
		if v-v != 0 {
			return fmt.Errorf("value %g at place %d is not finite", v, k)
		}
	}
	return nil
}

// encodeFloats keeps every value.
func encodeFloats[T float32 | float64](c *converter, values []T) ([]byte, error) {
	var b bytes.Buffer
	if c.format == "npy" {
		err := npy.Write(&b, c.shape, values)
		return b.Bytes(), err
	}
	each := c.shape[1] * c.shape[2]
	var planes []fits.Image[T]
	for k := range c.shape[0] {
		planes = append(planes, fits.Image[T]{Name: c.bandNames[k], Shape: c.shape[1:], Pixels: values[k*each : (k+1)*each]})
	}
	err := fits.Write(&b, planes)
	return b.Bytes(), err
}

// picture is an image of 16 bits; row 0 is at the top.
func (c *converter) picture(pixels []float32, factor, offset float64) ([]byte, error) {
	height, width := c.shape[1], c.shape[2]
	each := height * width
	stored := func(k int) uint16 { return uint16((float64(pixels[k])-offset)/factor + 0.5) }
	var m image.Image
	if c.shape[0] == 1 {
		grey := image.NewGray16(image.Rect(0, 0, width, height))
		for k := range each {
			grey.SetGray16(k%width, k/width, color.Gray16{Y: stored(k)})
		}
		m = grey
	} else {
		rgb := image.NewRGBA64(image.Rect(0, 0, width, height))
		for k := range each {
			rgb.SetRGBA64(k%width, k/width, color.RGBA64{R: stored(k), G: stored(each + k), B: stored(2*each + k), A: 0xffff})
		}
		m = rgb
	}
	var b bytes.Buffer
	var err error
	if c.format == "png" {
		err = png.Encode(&b, m)
	} else {
		err = tiff.Encode(&b, m, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	}
	return b.Bytes(), err
}
