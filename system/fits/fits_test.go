package fits

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// card is one written by hand; the tests do not rely on the writer for that.
func card(key string, value any) string {
	return fmt.Sprintf("%-80s", fmt.Sprintf("%-8s= %20v", key, value))
}

func header(cards ...string) string {
	text := strings.Join(cards, "") + fmt.Sprintf("%-80s", "END")
	return text + strings.Repeat(" ", padding(len(text)))
}

// hdu is a primary HDU of 2×3 values.
func hdu(bitPix int, data any, more ...string) []byte {
	cards := append([]string{card("SIMPLE", "T"), card("BITPIX", bitPix), card("NAXIS", 2), card("NAXIS1", 3), card("NAXIS2", 2)}, more...)
	b := bytes.NewBufferString(header(cards...))
	binary.Write(b, binary.BigEndian, data)
	b.Write(make([]byte, padding(b.Len())))
	return b.Bytes()
}

func write(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.fits")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(write(t, b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTypes(t *testing.T) {
	for _, tc := range []struct {
		name string
		file []byte
		want []float64
	}{
		{"bytes have no sign", hdu(8, []uint8{0, 1, 2, 3, 254, 255}), []float64{0, 1, 2, 3, 254, 255}},
		{"int16", hdu(16, []int16{-32768, -1, 0, 1, 2, 32767}), []float64{-32768, -1, 0, 1, 2, 32767}},
		{"unsigned by BZERO", hdu(16, []int16{-32768, -1, 0, 1, 2, 32767}, card("BZERO", 32768)), []float64{0, 32767, 32768, 32769, 32770, 65535}},
		{"int32 scaled", hdu(32, []int32{-4, 0, 1, 2, 3, 1 << 30}, card("BSCALE", "2.5D-1"), card("BZERO", 10)), []float64{9, 10, 10.25, 10.5, 10.75, 10 + 1<<28}},
		{"int64", hdu(64, []int64{-1 << 40, 0, 1, 2, 3, 1 << 40}), []float64{-1 << 40, 0, 1, 2, 3, 1 << 40}},
		{"float32", hdu(-32, []float32{-1.5, 0, 1, 2, 3, 1e30}), []float64{-1.5, 0, 1, 2, 3, float64(float32(1e30))}},
		{"float64 scaled", hdu(-64, []float64{-1.5, 0, 1, 2, 3, 1e300}, card("BSCALE", 2)), []float64{-3, 0, 2, 4, 6, 2e300}},
		{"BLANK", hdu(16, []int16{-1, 7, 1, 2, 3, 4}, card("BLANK", 7)), []float64{-1, math.NaN(), 1, 2, 3, 4}},
		{"BLANK is for integers", hdu(-32, []float32{-1, 7, 1, 2, 3, 4}, card("BLANK", 7)), []float64{-1, 7, 1, 2, 3, 4}},
	} {
		f := open(t, tc.file)
		got := make([]float64, 6)
		if err := Read(f, 0, got); err != nil || !slices.Equal(f.HDUs[0].Shape, []int{2, 3}) {
			t.Errorf("%s: %v, shape %v", tc.name, err, f.HDUs[0].Shape)
		}
		for i := range got {
			if got[i] != tc.want[i] && !(math.IsNaN(got[i]) && math.IsNaN(tc.want[i])) {
				t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
				break
			}
		}
	}
}

// What is written reads back to the bit, alone or several, with its cards.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for count := 1; count <= 3; count++ {
		var images []Image[float64]
		for k := range count {
			m := Image[float64]{Name: fmt.Sprintf("G%d", k), Shape: []int{2, 1 + k, 500}, Cards: []Card{
				{"PIXSCALE", 0.2, "arcsec"}, {"OBJECT", "it's", ""}, {"LENS", true, ""}, {"INDEX", k, ""}, {"WHOLE", 3.0, ""}}}
			for range 2 * (1 + k) * 500 {
				m.Pixels = append(m.Pixels, math.Float64frombits(rng.Uint64()&^(1<<62)))
			}
			images = append(images, m)
		}
		var b bytes.Buffer
		if err := Write(&b, images); err != nil {
			t.Fatal(err)
		}
		if b.Len()%blockSize != 0 {
			t.Errorf("%d bytes are not whole blocks", b.Len())
		}
		f := open(t, b.Bytes())
		if got, err := f.Images(); err != nil || len(got) != count {
			t.Fatalf("images %v, want %d", got, count)
		}
		for k, m := range images {
			at, err := f.Find(strings.ToLower(m.Name))
			if err != nil {
				t.Fatal(err)
			}
			h := f.HDUs[at]
			got := make([]float64, h.Len())
			if err := Read(f, at, got); err != nil || !slices.Equal(got, m.Pixels) || !slices.Equal(h.Shape, m.Shape) {
				t.Errorf("image %d of %d: %v, shape %v", k, count, err, h.Shape)
			}
			scale, err := h.Header.Float("PIXSCALE", 0)
			index, err2 := h.Header.Int("INDEX", -1)
			if scale != 0.2 || err != nil || index != int64(k) || err2 != nil || h.Header["OBJECT"] != "it's" || h.Header["LENS"] != "T" || h.Header["WHOLE"] != "3.0" {
				t.Errorf("header %v", h.Header)
			}
		}
	}
}

// A table between images is skipped, and named when it is asked for.
func TestOtherHDUs(t *testing.T) {
	b := hdu(8, []uint8{1, 2, 3, 4, 5, 6})
	b = append(b, header(card("XTENSION", "'BINTABLE'"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 10), card("NAXIS2", 3),
		card("PCOUNT", 5), card("GCOUNT", 1))...)
	b = append(b, make([]byte, blockSize)...)
	b = append(b, header(card("XTENSION", "'IMAGE   '"), card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", 2), card("EXTNAME", "'sci     '"))...)
	b = append(b, 8, 9)
	b = append(b, make([]byte, blockSize-2)...)
	b = append(b, make([]byte, blockSize)...) // zeros at the end are no HDU
	f := open(t, b)
	if got, err := f.Images(); err != nil || !slices.Equal(got, []int{0, 2}) {
		t.Fatalf("images %v, %v", got, err)
	}
	got := make([]float32, 2)
	at, err := f.Find("SCI")
	if err != nil || Read(f, at, got) != nil || got[1] != 9 {
		t.Errorf("sci is %d with %v, %v", at, got, err)
	}
	for name, want := range map[string]string{
		"1":   "HDU 1 has no image; there is 0, 1 (no image)",
		"err": `no HDU "err"; there is 0, 1 (no image), 2 "sci"`,
		"3":   `no HDU "3"`,
		"-1":  `no HDU "-1"`,
	} {
		if _, err := f.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// A compressed image among others is not skipped: a band would be missing.
func TestCompressed(t *testing.T) {
	b := hdu(8, []uint8{1, 2, 3, 4, 5, 6})
	b = append(b, header(card("XTENSION", "'BINTABLE'"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 10), card("NAXIS2", 3),
		card("PCOUNT", 5), card("GCOUNT", 1), card("ZIMAGE", "T"))...)
	f := open(t, append(b, make([]byte, blockSize)...))
	want := "x.fits: HDU 1 is a compressed image; funpack"
	if got, err := f.Images(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("images %v, %v, want %q", got, err, want)
	}
	if _, err := f.Find("1"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if at, err := f.Find("0"); err != nil || at != 0 {
		t.Errorf("the image beside it: %v", err)
	}
}

func TestErrors(t *testing.T) {
	good := hdu(-32, []float32{1, 2, 3, 4, 5, 6})
	swap := func(old, new string) []byte { return bytes.Replace(good, []byte(old), []byte(new), 1) }
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "the file is empty"},
		{"text", []byte(strings.Repeat("hello ", 1000)), `HDU 0 at byte 0: not a readable FITS file: begins with "hello hell", want "SIMPLE  ="`},
		{"cut in the header", good[:1000], "the header has no END"},
		{"cut in the data", good[:blockSize+10], "cut short: 10 bytes of data from byte 2880 on, the header says 24"},
		{"wrong BITPIX", swap("                 -32", "                   7"), "BITPIX is 7, want 8, 16, 32, 64, -32 or -64"},
		{"no BITPIX", swap("BITPIX  ", "BITPOX  "), "BITPIX is 0"},
		{"negative axis", swap("NAXIS1  =                    3", "NAXIS1  =                   -3"), "NAXIS1 is -3"},
		{"missing axis", swap("NAXIS2  ", "NAXIS3  "), "NAXIS2 is -1"},
		{"huge", swap("NAXIS1  =                    3", "NAXIS1  =        1000000000000"), "cut short: 2880 bytes of data from byte 2880 on, the header says 8000000000000"},
		{"beyond numbers", swap("NAXIS1  =                    3", "NAXIS1  =  9000000000000000000"), "no more than a file can hold"},
		{"no number", swap("NAXIS1  =                    3", "NAXIS1  =                three"), `keyword NAXIS1 is "three", want a whole number`},
		{"many axes", swap("NAXIS   =                    2", "NAXIS   =                 2000"), "NAXIS is 2000"},
		{"SIMPLE F", swap("SIMPLE  =                    T", "SIMPLE  =                    F"), `SIMPLE is "F", want T`},
		{"string without end", swap("NAXIS2  =                    2", "NAXIS2  = 'two               "), "has no end"},
		{"beyond numbers with groups", hdu(-64, []float64{}, card("PCOUNT", int64(1)<<50), card("GCOUNT", 1024)), "more than a file can hold"},
		{"scale 0", hdu(16, []int16{1, 2, 3, 4, 5, 6}, card("BSCALE", 0)), "BSCALE is 0 and BZERO 0, want numbers"},
		{"scale NaN", hdu(16, []int16{1, 2, 3, 4, 5, 6}, card("BSCALE", "NaN")), "BSCALE is NaN"},
		{"zero NaN", hdu(-32, []float32{1, 2, 3, 4, 5, 6}, card("BZERO", "NaN")), "BZERO NaN"},
		{"garbage behind", append(slices.Clone(good), strings.Repeat("garbage!", 360)...), "HDU 1 at byte 5760"},
	} {
		_, err := Open(write(t, tc.file))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "x.fits: ") {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	if _, err := Open("nowhere.fits"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for want, m := range map[string]Image[float32]{
		"5 pixels for an image of shape [2 3]": {Shape: []int{2, 3}, Pixels: make([]float32, 5)},
		`keyword "too long a key" is not of`:   {Shape: []int{1}, Pixels: make([]float32, 1), Cards: []Card{{"too long a key", 1, ""}}},
		"keyword X cannot be NaN":              {Shape: []int{1}, Pixels: make([]float32, 1), Cards: []Card{{"X", math.NaN(), ""}}},
		"keyword X: \"X       = 'größe   '":    {Shape: []int{1}, Pixels: make([]float32, 1), Cards: []Card{{"X", "größe", ""}}},
		"does not fit into a card":             {Shape: []int{1}, Pixels: make([]float32, 1), Cards: []Card{{"X", strings.Repeat("x", 90), ""}}},
	} {
		if err := Write(&bytes.Buffer{}, []Image[float32]{m}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Whatever the bytes, opening and reading end, with values or an error.
func FuzzOpen(f *testing.F) {
	f.Add(hdu(16, []int16{1, 2, 3, 4, 5, 6}, card("BLANK", 7), card("BZERO", 32768)))
	f.Add(append(hdu(-64, make([]float64, 6)), hdu(8, make([]uint8, 6))...))
	f.Add([]byte("SIMPLE  = "))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := New(bytes.NewReader(b), int64(len(b)), "x.fits")
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Error(err)
			}
			return
		}
		images, err := file.Images()
		if err != nil {
			return
		}
		for _, i := range images {
			if n := file.HDUs[i].Len(); n > len(b) {
				t.Fatalf("%d values in %d bytes", n, len(b))
			}
			if err := Read(file, i, make([]float32, file.HDUs[i].Len())); err != nil {
				t.Error(err)
			}
		}
	})
}
