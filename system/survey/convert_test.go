package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/fits"
	"lensbench/system/npy"
)

func convert(t *testing.T, images Images, format string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), format)
	if err := Convert(t.Context(), images, dir, format, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every format brings values back: two exactly, two to half a step of 16 bits;
// labels and parts too.
func TestConvert(t *testing.T) {
	set := simulate(t, Spec{Seed: 2, Pixels: 16, Train: 3, Test: 2})
	for _, format := range Formats {
		back, err := OpenImages(convert(t, set, format))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(Parts(back), []string{Train, Test}) || back.Len() != 5 {
			t.Errorf("%s: %d images in parts %v", format, back.Len(), Parts(back))
		}
		want, got := make([]float32, 3*256), make([]float32, 3*256)
		for i := range 5 {
			if err := errors.Join(set.Read(i, want), back.Read(i, got)); err != nil {
				t.Fatal(err)
			}
			step := 0.0
			if format == "png" || format == "tiff" {
				step = float64(slices.Max(want)-slices.Min(want)) / 65535
			}
			for k := range want {
				if math.Abs(float64(want[k]-got[k])) > 0.51*step || back.Label(i) != set.Label(i) {
					t.Fatalf("%s: image %d, value %d is %g, was %g; label %d", format, i, k, got[k], want[k], back.Label(i))
				}
			}
		}
	}
}

// Arrays of float64 keep every bit, in both formats that have them.
func TestConvertDoubles(t *testing.T) {
	values := []float64{math.Pi, -1e-300, 1e300, 5e-324}
	dir := directory(t, map[string][]byte{"a.npy": doubleFile(t, []int{2, 1, 2}, values...)})
	images, err := OpenImages(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := npy.ReadFile[float64](filepath.Join(convert(t, images, "npy"), "000000.npy"))
	if err != nil || !slices.Equal(got, values) {
		t.Errorf("npy: %v, %v", got, err)
	}
	f, err := fits.Open(filepath.Join(convert(t, images, "fits"), "000000.fits"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plane := make([]float64, 2)
	if err := fits.Read(f, 2, plane); err != nil || !slices.Equal(plane, values[2:]) || f.HDUs[2].BitPix != -64 {
		t.Errorf("fits: %v, %v", plane, err)
	}
}

// FITS of values that float32 cannot hold becomes float64, and with it what lies
// beside it: a directory is of one type.
func TestConvertFITSDoubles(t *testing.T) {
	var b bytes.Buffer
	if err := fits.Write(&b, []fits.Image[float64]{{Shape: []int{1, 2}, Pixels: []float64{math.Pi, 1 << 24}}}); err != nil {
		t.Fatal(err)
	}
	long := bytes.Replace(bytes.Clone(b.Bytes()), []byte("BITPIX  =                  -64"), []byte("BITPIX  =                   64"), 1)
	copy(long[2880:], []byte{0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7})
	images, err := OpenImages(directory(t, map[string][]byte{"0.fits": fitsFile(t, plane("", 1, 2)), "1.fits": b.Bytes(), "2.fits": long}))
	if err != nil {
		t.Fatal(err)
	}
	dir := convert(t, images, "npy")
	for i, want := range [][]float64{{1, 2}, {math.Pi, 1 << 24}, {1<<24 + 1, 7}} {
		_, got, err := npy.ReadFile[float64](filepath.Join(dir, fmt.Sprintf("%06d.npy", i)))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("image %d: %v, %v, want %v", i, got, err, want)
		}
	}
}

func TestConvertStackOfDoubles(t *testing.T) {
	images, err := OpenImages(filepath.Join(directory(t, map[string][]byte{"x.npy": doubleFile(t, []int{2, 1, 1, 1}, 1, math.Pi)}), "x.npy"))
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := npy.ReadFile[float64](filepath.Join(convert(t, images, "npy"), "000001.npy"))
	if err != nil || !slices.Equal(got, []float64{math.Pi}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestVerify(t *testing.T) {
	set := simulate(t, Spec{Seed: 2, Pixels: 8, Train: 3, Test: 2})
	s, err := Verify(t.Context(), set, nil)
	if err != nil || s.Images != 5 || s.Lenses != 2 || s.Others != 3 || s.Constant != nil {
		t.Errorf("%+v, %v", s, err)
	}
	black := directory(t, map[string][]byte{"a.npy": npyFile(t, []int{2, 1, 2}, 1, 2, 0, 0), "b.npy": npyFile(t, []int{2, 1, 2}, 1, 2, 3, 4)})
	images, err := OpenImages(black)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Verify(t.Context(), images, nil); err != nil || len(s.Constant) != 1 || !strings.HasSuffix(s.Constant[0], "a.npy") || s.Unlabelled != 2 {
		t.Errorf("a black band: %+v, %v", s, err)
	}
	// A changed file of the same size is found, through a part as well.
	path := set.Name(4)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	test, err := Part(set, Test)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), test, nil); err == nil || !strings.Contains(err.Error(), path+": SHA-256 is") {
		t.Errorf("a changed file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, set, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := Convert(ctx, set, filepath.Join(t.TempDir(), "x"), "npy", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Black images are told of by who reads them, each once.
func TestWatched(t *testing.T) {
	dir := directory(t, map[string][]byte{"a.npy": npyFile(t, []int{2, 1, 2}, 1, 2, 0, 0), "b.npy": npyFile(t, []int{2, 1, 2}, 1, 2, 3, 4)})
	images, err := OpenImages(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &Watched{Images: images}
	for _, i := range []int{0, 1, 0} {
		if err := w.Read(i, make([]float32, 4)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Constant(); !slices.Equal(got, []string{images.Name(0)}) {
		t.Errorf("constant: %v", got)
	}
}
