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
// npy and fits keep every value; float64 .npy files stay float64. png and tiff have
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
	c := &converter{images: images, format: format, shape: []int{bands, height, width}, dir: w.dir}
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
	if values, ok, err := doubles(c.images, i, c.shape); err != nil || ok {
		if err == nil && (c.format == "npy" || c.format == "fits") {
			b, err = encodeFloats(c, values)
			return b, 1, 0, err
		}
		if err != nil {
			return nil, 0, 0, err
		}
	}
	pixels := make([]float32, c.shape[0]*c.shape[1]*c.shape[2])
	if err := c.images.Read(i, pixels); err != nil {
		return nil, 0, 0, err
	}
	if c.format == "npy" || c.format == "fits" {
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

// doubles returns the values of an .npy file of float64.
func doubles(images Images, i int, want []int) ([]float64, bool, error) {
	switch x := images.(type) {
	case *Subset:
		return doubles(x.of, x.index[i], want)
	case *Files:
		f := x.files[i]
		if !f.double || f.factor > 0 && f.factor != 1 || f.offset != 0 {
			return nil, false, nil
		}
		shape, values, err := npy.ReadFile[float64](f.path)
		if err == nil {
			shape, err = threeAxes(shape)
		}
		if err == nil {
			err = sameShape(shape, want)
		}
		if err == nil {
			err = finite(values)
		}
		if err != nil {
			return nil, true, named(f.path, err)
		}
		return values, true, nil
	}
	return nil, false, nil
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
