package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(version byte, header string, data ...byte) []byte {
	b := append([]byte(magic), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), data...)
}

func TestRoundTrip(t *testing.T) {
	for _, shape := range [][]int{{}, {0}, {1}, {5}, {2, 3}, {3, 0, 2}, {2, 3, 100, 101}} {
		n := Header{Shape: shape}.Len()
		data := make([]float64, n)
		for i := range data {
			data[i] = math.Sqrt(float64(i)) * math.Pi
		}
		var b bytes.Buffer
		if err := Write(&b, shape, data); err != nil {
			t.Fatal(err)
		}
		if at := b.Len() - 8*n; at%alignment != 0 {
			t.Errorf("shape %v: data begin at byte %d, want a multiple of %d", shape, at, alignment)
		}
		gotShape, got, err := Read[float64](&b)
		if err != nil || !slices.Equal(gotShape, shape) || !slices.Equal(got, data) {
			t.Errorf("shape %v: read back %v, %d elements, %v", shape, gotShape, len(got), err)
		}
	}
}

// The files were written by numpy 2.4 (numpy.lib.format.write_array with
// version=(1,0), (2,0), (3,0)): numpy.arange(6).reshape(2, 3) / 4.
func TestReadsNumPysFiles(t *testing.T) {
	for _, name := range []string{"f8_v1.npy", "f8_v2.npy", "f8_v3.npy"} {
		shape, data, err := ReadFile[float64](filepath.Join("testdata", name))
		if err != nil || !slices.Equal(shape, []int{2, 3}) || !slices.Equal(data, []float64{0, .25, .5, .75, 1, 1.25}) {
			t.Errorf("%s: %v %v %v", name, shape, data, err)
		}
	}
	shape, data, err := ReadFile[float32](filepath.Join("testdata", "f4_v1.npy"))
	if err != nil || !slices.Equal(shape, []int{3, 2}) || !slices.Equal(data, []float32{0, .25, .5, .75, 1, 1.25}) {
		t.Errorf("f4_v1.npy: %v %v %v", shape, data, err)
	}
}

func TestWritesWhatNumPyWrites(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "f8_v1.npy"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := WriteFile(path, []int{2, 3}, []float64{0, .25, .5, .75, 1, 1.25}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("bytes differ from numpy's (%v):\n%q\n%q", err, got, want)
	}
}

func TestRejects(t *testing.T) {
	const ok = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"
	two := make([]byte, 8)
	for _, tc := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "truncated in the magic string"},
		{"another format", []byte("SIMPLE  =                    T"), `begins with "SIMPLE"`},
		{"future version", file(4, ok, two...), "version 4.0"},
		{"cut in the length", []byte(magic + "\x01\x00\x40"), "truncated in the header's length: 1 of 2"},
		{"cut in the header", file(1, ok)[:40], "truncated in the header"},
		{"endless header", []byte(magic + "\x02\x00\xff\xff\xff\xff"), "header of 4294967295 bytes"},
		{"cut in the data", file(1, ok, two[:7]...), "shape (2,) needs 8 bytes of data, there are 7"},
		{"no data", file(1, ok), "needs 8 bytes of data, there are 0"},
		{"bytes too many", file(1, ok, make([]byte, 9)...), "bytes after the data of shape (2,)"},
		{"integers", file(1, strings.Replace(ok, "<f4", "<i4", 1), two...), `element type "<i4"`},
		{"big-endian", file(1, strings.Replace(ok, "<f4", ">f4", 1), two...), `element type ">f4"`},
		{"other width", file(1, strings.Replace(ok, "<f4", "<f8", 1), two...), `element type "<f8", want "<f4"`},
		{"Fortran order", file(1, strings.Replace(ok, "False", "True", 1), two...), "ascontiguousarray"},
		{"no boolean", file(1, strings.Replace(ok, "False", "Maybe", 1), two...), "want False or True"},
		{"negative length", file(1, strings.Replace(ok, "(2,)", "(-2,)", 1), two...), "where a length should be"},
		{"shape without comma", file(1, strings.Replace(ok, "(2,)", "(2 2)", 1), two...), `where "," or ")"`},
		{"overflow", file(1, strings.Replace(ok, "(2,)", "(4294967296, 4294967296)", 1)), "larger than any memory"},
		{"huge claim", file(1, strings.Replace(ok, "(2,)", "(1000000000000,)", 1), two...), "there are 8"},
		{"unknown key", file(1, strings.Replace(ok, "shape", "form", 1), two...), `unknown key "form"`},
		{"key twice", file(1, "{'shape': (2,), 'shape': (2,)}", two...), `key "shape" twice`},
		{"key missing", file(1, "{'shape': (2,), 'descr': '<f4'}", two...), `without the key "fortran_order"`},
		{"no dictionary", file(1, "[1, 2]", two...), `where "{" should be`},
		{"dictionary open", file(1, "{'shape': (2,)", two...), `where "," or "}"`},
		{"string open", file(1, "{'shape", two...), "inside the string"},
		{"more after it", file(1, strings.TrimSpace(ok)+" x", two...), "after the header's dictionary"},
	} {
		_, _, err := Read[float32](bytes.NewReader(tc.in))
		if err == nil || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
	}
}

func TestReadInto(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, []int{2, 2}, []float32{1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	dst := make([]float32, 4)
	shape, err := ReadInto(bytes.NewReader(whole), dst)
	if err != nil || !slices.Equal(shape, []int{2, 2}) || !slices.Equal(dst, []float32{1, 2, 3, 4}) {
		t.Errorf("got %v %v %v", shape, dst, err)
	}
	if _, err := ReadInto(bytes.NewReader(whole), dst[:3]); err == nil || !strings.Contains(err.Error(), "shape (2, 2) has 4 elements, want 3") {
		t.Errorf("wrong size: %v", err)
	}
}

// What machines do whose numbers are the other way round.
func TestReverse(t *testing.T) {
	b := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	if reverse(b, 4); !bytes.Equal(b, []byte{4, 3, 2, 1, 8, 7, 6, 5}) {
		t.Errorf("elements of 4 bytes become %v", b)
	}
}

func TestWriteRejectsAWrongCount(t *testing.T) {
	if err := Write(&bytes.Buffer{}, []int{2, 2}, []float32{1, 2, 3}); err == nil {
		t.Error("three elements were written as (2, 2)")
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := WriteFile(path, []int{7}, []float64{1}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name the file", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 0 {
		t.Errorf("a failed write leaves %v", left)
	}
}

// Whatever the bytes, Read returns an error or an array that Write turns into
// bytes that read back as the same array.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"f8_v1.npy", "f8_v2.npy", "f8_v3.npy", "f4_v1.npy"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(file(1, `{"shape":(1,),'descr':"<f4",'fortran_order':False}`, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, in []byte) {
		shape, data, err := Read[float32](bytes.NewReader(in))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, shape, data); err != nil {
			t.Fatalf("read %v but cannot write it: %v", shape, err)
		}
		shape2, data2, err := Read[float32](&b)
		same := slices.EqualFunc(data, data2, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
		if err != nil || !slices.Equal(shape, shape2) || !same {
			t.Fatalf("%v became %v, %v", shape, shape2, err)
		}
	})
}
