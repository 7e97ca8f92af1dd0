package survey

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"lensbench/system/fits"
	"lensbench/system/npy"
)

func fitsFile(t testing.TB, images ...fits.Image[float32]) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := fits.Write(&b, images); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func plane(name string, v ...float32) fits.Image[float32] {
	return fits.Image[float32]{Name: name, Shape: []int{1, len(v)}, Pixels: v}
}

func doubleFile(t testing.TB, shape []int, data ...float64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, shape, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tiffFile(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tiff.Encode(&b, m, &tiff.Options{Compression: tiff.Deflate}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func grey16(values ...uint16) image.Image {
	m := image.NewGray16(image.Rect(0, 0, len(values), 1))
	for x, v := range values {
		m.SetGray16(x, 0, color.Gray16{Y: v})
	}
	return m
}

// Every format gives [bands, height, width] with the values that are stored.
func TestFormats(t *testing.T) {
	rgb := image.NewRGBA64(image.Rect(0, 0, 2, 1))
	rgb.SetRGBA64(0, 0, color.RGBA64{1, 2, 3, 0xffff})
	rgb.SetRGBA64(1, 0, color.RGBA64{65535, 256, 7, 0xffff})
	eight := image.NewGray(image.Rect(0, 0, 2, 1))
	eight.SetGray(1, 0, color.Gray{Y: 200})
	cube := fits.Image[float32]{Shape: []int{2, 1, 2}, Pixels: []float32{1, 2, 3, 4}}
	for name, tc := range map[string]struct {
		bytes []byte
		shape [3]int
		want  []float32
		hdus  []string
	}{
		"a.npy":    {npyFile(t, []int{2, 1, 2}, 1, 2, 3, 4), [3]int{2, 1, 2}, []float32{1, 2, 3, 4}, nil},
		"b.npy":    {npyFile(t, []int{1, 2}, 1, 2), [3]int{1, 1, 2}, []float32{1, 2}, nil},
		"c.npy":    {doubleFile(t, []int{1, 1, 2}, 0.1, 2), [3]int{1, 1, 2}, []float32{0.1, 2}, nil},
		"a.fits":   {fitsFile(t, cube), [3]int{2, 1, 2}, []float32{1, 2, 3, 4}, nil},
		"b.fit":    {fitsFile(t, plane("", 5, 6)), [3]int{1, 1, 2}, []float32{5, 6}, nil},
		"c.FITS":   {fitsFile(t, plane("G", 1, 2), plane("R", 3, 4)), [3]int{2, 1, 2}, []float32{1, 2, 3, 4}, nil},
		"d.fits":   {fitsFile(t, plane("G", 1, 2), plane("R", 3, 4)), [3]int{2, 1, 2}, []float32{3, 4, 1, 2}, []string{"r", "1"}},
		"a.tiff":   {tiffFile(t, grey16(0, 300, 65535)), [3]int{1, 1, 3}, []float32{0, 300, 65535}, nil},
		"b.tif":    {tiffFile(t, rgb), [3]int{3, 1, 2}, []float32{1, 65535, 2, 256, 3, 7}, nil},
		"c.tif":    {tiffFile(t, eight), [3]int{1, 1, 2}, []float32{0, 200}, nil},
		"grey.png": {pngFile(t, 4, 5), [3]int{1, 1, 2}, []float32{4, 5}, nil},
	} {
		path := filepath.Join(directory(t, map[string][]byte{name: tc.bytes}), name)
		images, err := OpenWith(path, Options{HDUs: tc.hdus})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, h, w := images.Shape()
		got := make([]float32, b*h*w)
		if err := images.Read(0, got); err != nil || [3]int{b, h, w} != tc.shape || !slices.Equal(got, tc.want) || images.Name(0) != path {
			t.Errorf("%s: [%d %d %d] %v, %v; want %v %v", name, b, h, w, got, err, tc.shape, tc.want)
		}
	}
}

// What package tiff would read in part is refused by name.
func TestTIFFOfMore(t *testing.T) {
	for want, b := range map[string][]byte{
		"x.tiff: TIFF of several pictures; want one":                            tiffDirectories(binary.LittleEndian, 42, 8),
		"x.tiff: TIFF of 3 planes one behind the other (PlanarConfiguration 2)": tiffDirectories(binary.BigEndian, 42, 0),
		"x.tiff: is a BigTIFF":               tiffDirectories(binary.LittleEndian, 43, 0),
		"x.tiff: not a readable TIFF: ":      []byte("II*\x00\xff\xff\xff\x7f"),
		"x.tiff: not a readable TIFF: tiff:": []byte("MM\x00*\x00\x00\x00\x08\x00\x00"),
	} {
		path := filepath.Join(directory(t, map[string][]byte{"x.tiff": b}), "x.tiff")
		if _, err := OpenImages(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// tiffDirectories is the beginning of a TIFF of 3 samples in planes.
func tiffDirectories(order binary.ByteOrder, version uint16, next uint32) []byte {
	var b bytes.Buffer
	b.WriteString(map[bool]string{true: "MM", false: "II"}[order == binary.BigEndian])
	const short = 3
	for _, v := range []any{version, uint32(8), uint16(2),
		[]uint16{tiffSamples, short}, uint32(1), []uint16{3, 0},
		[]uint16{tiffPlanar, short}, uint32(1), []uint16{2, 0}, next} {
		binary.Write(&b, order, v)
	}
	return b.Bytes()
}

func TestStack(t *testing.T) {
	for name, b := range map[string][]byte{
		"float32": npyFile(t, []int{3, 1, 1, 2}, 1, 2, 3, 4, 5, float32(math.NaN())),
		"float64": doubleFile(t, []int{3, 1, 1, 2}, 1, 2, 3, 4, 5, math.NaN()),
	} {
		path := filepath.Join(directory(t, map[string][]byte{"x.npy": b}), "x.npy")
		s, err := OpenImages(path)
		if err != nil || s.Len() != 3 {
			t.Fatalf("%s: %v", name, err)
		}
		got := make([]float32, 2)
		if err := s.Read(1, got); err != nil || !slices.Equal(got, []float32{3, 4}) || s.Name(1) != path+"[1]" || s.Label(1) != Unlabelled {
			t.Errorf("%s: %s is %v, %v", name, s.Name(1), got, err)
		}
		if err := s.Read(2, got); err == nil || !strings.Contains(err.Error(), "x.npy[2]: value NaN in band 0, row 0, column 1 is not finite") {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Truncate(path, int64(len(b)-1)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenImages(path); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, want %d", len(b)-1, len(b))) {
			t.Errorf("%s cut short: %v", name, err)
		}
	}
}

// Two directories say what their images are.
func TestClasses(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"nonlens/b.npy", "nonlens/a.npy", "lens/x.npy"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, npyFile(t, []int{1, 1, 1}, float32(i)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	images, err := OpenImages(dir)
	if err != nil || images.Len() != 3 {
		t.Fatal(err)
	}
	for i := range 3 {
		if want := map[bool]int{true: IsLens, false: NotLens}[strings.HasSuffix(images.Name(i), "x.npy")]; images.Label(i) != want {
			t.Errorf("%s has label %d", images.Name(i), images.Label(i))
		}
	}
	if err := os.Rename(filepath.Join(dir, "nonlens"), filepath.Join(dir, "others")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenImages(dir); err == nil || !strings.Contains(err.Error(), "has a directory lens, but none nonlens") {
		t.Errorf("one class alone: %v", err)
	}
}

// A manifest says where images are, what they show, and which part they are of.
func TestCSV(t *testing.T) {
	a, b, c := npyFile(t, []int{1, 1, 2}, 1, 2), npyFile(t, []int{1, 1, 2}, 3, 4), fitsFile(t, plane("G", 5, 6), plane("R", 7, 8))
	dir := directory(t, map[string][]byte{"a.npy": a, "b.npy": b, "c.fits": c, CSVName: fmt.Appendf(nil,
		"file,label,split,sha256,hdu,factor,offset\na.npy,0,train,%x,,,\nb.npy,1,test,,,2,10\nc.fits,,train,,R,,\n", sha256.Sum256(a))})
	images, err := OpenImages(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 2)
	for i, want := range [][]float32{{1, 2}, {16, 18}, {7, 8}} {
		if err := images.Read(i, got); err != nil || !slices.Equal(got, want) {
			t.Errorf("image %d is %v, %v, want %v", i, got, err, want)
		}
	}
	if l := []int{images.Label(0), images.Label(1), images.Label(2)}; !slices.Equal(l, []int{0, 1, Unlabelled}) {
		t.Errorf("labels %v", l)
	}
	train, err := Part(images, Train)
	if err != nil || train.Len() != 2 || !strings.HasSuffix(train.Name(1), "c.fits") || !slices.Equal(Parts(images), []string{Train, Test}) {
		t.Errorf("training part: %v, of %v", err, Parts(images))
	}
	if err := os.WriteFile(filepath.Join(dir, "a.npy"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := images.Read(0, got); err == nil || !strings.Contains(err.Error(), "a.npy: SHA-256 is") || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("a changed file: %v", err)
	}
}

func TestCSVErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "manifest.csv: is empty",
		"file\n":                         "manifest.csv: lists no images",
		"label\n1\n":                     `manifest.csv:1: no column "file"`,
		"file,lable\na.npy,1\n":          `manifest.csv:1: column "lable" is not known; did you mean "label"?`,
		"file,file\na.npy,a.npy\n":       `two columns are called "file"`,
		"file,label\na.npy,yes\n":        `manifest.csv:2: label "yes", want 1 for a lens, 0 for none`,
		"file,label\na.npy,0\na.npy,1\n": "manifest.csv:3: ",
		"file,split\na.npy,dev\n":        `manifest.csv:2: split "dev", want one of train, validation, test`,
		"file,sha256\na.npy,12\n":        `sha256 "12", want 64`,
		"file,factor\na.npy,NaN\n":       `factor "NaN", want a number`,
		"file,factor\na.npy,0\n":         `factor "0", want a number`,
		"file\n\"\"\n":                   "manifest.csv:2: no file",
		"file,label\na.npy\n":            "wrong number of fields",
		"file\nnowhere.npy\n":            "nowhere.npy is not there",
		"file\na.npy\nDIR/a.npy\n":       "a.npy is in line 2 too",
		"file\na.npy\nlink.npy\n":        "link.npy is the file of line 2 too",
		"file\n../passwd\n":              "manifest.csv:2: ",
		"file\nsub.npy\n":                "sub.npy is no file",
		"file,hdu\na.npy,sci\n":          "a.npy is no FITS file",
		"file,hdu\nc.fits,sci\n":         `c.fits: no HDU "sci"; there is 0`,
		"file\ntruncated.fits\n":         "truncated.fits: HDU 0 at byte 0: not a readable FITS file: cut short",
		"file\nuneven.fits\n":            "HDU 2 has shape (1, 2), HDU 1 (1, 1); bands want one size",
	} {
		b := fitsFile(t, plane("", 1))
		dir := directory(t, map[string][]byte{"a.npy": npyFile(t, []int{1, 1, 1}, 1), CSVName: []byte(text), "c.fits": b,
			"truncated.fits": b[:2882], "uneven.fits": fitsFile(t, plane("a", 1), plane("b", 1, 2))})
		err := errors.Join(os.Symlink("a.npy", filepath.Join(dir, "link.npy")), os.Mkdir(filepath.Join(dir, "sub.npy"), 0o755),
			os.WriteFile(filepath.Join(dir, CSVName), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenImages(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestBadPixels(t *testing.T) {
	nan := float32(math.NaN())
	for name, tc := range map[string]struct {
		bytes []byte
		want  string
	}{
		"a.fits": {fitsFile(t, plane("G", 1, 2), plane("R", 3, nan)), "a.fits: HDU 2: value NaN at row 0, column 1 is not finite"},
		"b.npy":  {doubleFile(t, []int{1, 1, 1}, 1e300), "b.npy: value +Inf in band 0"},
		"c.tiff": {tiffFile(t, image.NewRGBA64(image.Rect(0, 0, 1, 1))), "c.tiff: TIFF with a transparent pixel"},
	} {
		path := filepath.Join(directory(t, map[string][]byte{name: tc.bytes}), name)
		images, err := OpenImages(path)
		if err != nil {
			t.Fatal(err)
		}
		b, h, w := images.Shape()
		if err := images.Read(0, make([]float32, b*h*w)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	for name, b := range map[string][]byte{"x.tif": []byte("II*\x00garbage"), "y.tif": tiffFile(t, grey16(1, 2, 3))[:40]} {
		if _, err := OpenImages(filepath.Join(directory(t, map[string][]byte{name: b}), name)); err == nil || !strings.Contains(err.Error(), "not a readable TIFF") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the text, a manifest is read or refused.
func FuzzCSV(f *testing.F) {
	f.Add("file,label,split,sha256,hdu,factor,offset\na.npy,0,train,,R;1,2,3\n")
	f.Add("file\n\"a\"\"b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		files, parts, err := parseCSV(strings.NewReader(text), ".", Options{})
		if err != nil {
			return
		}
		for _, x := range files {
			if x.path == "" || x.label < Unlabelled || x.label > IsLens || x.factor == 0 {
				t.Errorf("accepted %+v", x)
			}
		}
		for name, index := range parts {
			if !slices.Contains(PartNames, name) || len(index) > len(files) {
				t.Errorf("part %q of %d", name, len(index))
			}
		}
	})
}
