package safetensors

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

// file puts a header and data together as the format says.
func file(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func open(b []byte) (*File, error) {
	return New(bytes.NewReader(b), int64(len(b)), "w.safetensors")
}

func TestRejects(t *testing.T) {
	const good = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	data := strings.Repeat("x", 8)
	cases := []struct {
		name string
		file []byte
		want string // part of the error
	}{
		{"empty file", nil, "0 bytes, too short for the header's length"},
		{"cut in the length", []byte("abc"), "3 bytes, too short"},
		{"a pickle", []byte("PK\x03\x04aaaa\x00\x00\x00"), "bytes, at most 100000000 are read"},
		{"cut in the header", file(good, "")[:20], "truncated in the header: 12 of 54 bytes"},
		{"cut in the data", file(good, data[:5]), `truncated: tensor "a" ends at byte 8 of the data, there are 5`},
		{"bytes at the end", file(good, data+"y"), "1 bytes after the last tensor"},
		{"no JSON", file("hello", ""), "header is not a JSON object"},
		{"a list", file("[]", ""), "header is not a JSON object"},
		{"unfinished JSON", file(`{"a":`, ""), `header: tensor "a": EOF`},
		{"text after the object", file(good+"{}", data), `"{}" after the header's object`},
		{"metadata that is no text", file(`{"__metadata__":{"a":1}}`, ""), "__metadata__: json: cannot unmarshal number"},
		{"name twice", file(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, data),
			`header names "a" twice`},
		{"unknown key", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"order":"F"}}`, data), `tensor "a": json: unknown field "order"`},
		{"no value", file(`{"a":null}`, ""), `tensor "a": data_offsets [], want [begin, end]`},
		{"three offsets", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}`, data), "data_offsets [0 8 9], want [begin, end]"},
		{"backward offsets", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, data), "data_offsets [8 0], want [begin, end]"},
		{"negative offset", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}`, data), `tensor "a": json: cannot unmarshal number -8`},
		{"unknown type", file(`{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}`, data), `tensor "a": unknown element type "F31"`},
		{"shape against bytes", file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, data),
			`tensor "a": F32 of shape (3,) needs 12 bytes, its data_offsets span 8`},
		{"negative size", file(`{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`, data), `tensor "a": shape (-2,) has a negative size`},
		{"overflowing shape", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, data),
			`tensor "a": shape (4294967296, 4294967296) is larger than any memory`},
		{"overlap", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, data),
			`tensor "b" begins at byte 4 of the data, inside the tensor before it, which ends at 8`},
		{"gap", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, data), `4 bytes of the data before tensor "a" belong to no tensor`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "w.safetensors: ") {
				t.Fatalf("got %v\nwant w.safetensors: … %s", err, c.want)
			}
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%v is not ErrFormat", err)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	values := map[string][]float32{
		"conv.weight": {1, -2, float32(math.Inf(1)), 4, 5, 6},
		"scalar":      {7},
		"empty":       {},
	}
	fill := func(name string) func([]float32) error {
		return func(dst []float32) error { copy(dst, values[name]); return nil }
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	err := WriteFile(path, map[string]string{"format": "pt"}, []Source{
		{Name: "conv.weight", DType: F32, Shape: []int{2, 3}, Float: fill("conv.weight")},
		{Name: "scalar", DType: F32, Float: fill("scalar")},
		{Name: "empty", DType: F32, Shape: []int{0, 4}, Float: fill("empty")},
		{Name: "batches", DType: I64, Ints: []int64{3}},
		{Name: "generator", DType: U8, Shape: []int{3}, Bytes: []uint8{1, 2, 255}},
		{Name: "nothing yet", DType: I64, Shape: []int{2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Metadata["format"] != "pt" {
		t.Errorf("metadata %v", f.Metadata)
	}
	for name, want := range values {
		got := make([]float32, len(want))
		if err := f.ReadFloat32(name, got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
	bytes, ints, none := make([]uint8, 3), make([]int64, 1), []int64{8, 8}
	if err := errors.Join(f.ReadUint8("generator", bytes), f.ReadInt64("batches", ints), f.ReadInt64("nothing yet", none)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(bytes, []uint8{1, 2, 255}) || ints[0] != 3 || !slices.Equal(none, []int64{0, 0}) {
		t.Errorf("read %v, %v and %v", bytes, ints, none)
	}
	if first := f.Tensors()[0]; first.Name != "batches" || first.DType != I64 || first.Len() != 1 {
		t.Errorf("first tensor %+v, want the 8-byte elements first", first)
	}
}

func TestReadErrors(t *testing.T) {
	f, err := open(file(`{"h":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, "123456781234"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"h":  `w.safetensors: tensor "h" has type BF16, want F32: convert it with PyTorch's .float()`,
		"a":  `w.safetensors: tensor "a" has 1 elements, want 4`,
		"no": `w.safetensors: no tensor "no"`,
	} {
		if err := f.ReadFloat32(name, make([]float32, 4)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	const want = `w.safetensors: tensor "a" has type F32, want I64`
	if err := f.ReadInt64("a", make([]int64, 1)); err == nil || err.Error() != want {
		t.Errorf("as integers: %v, want %s", err, want)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		tensors []Source
		want    string
	}{
		"twice":    {[]Source{{Name: "a", DType: F32}, {Name: "a", DType: F32}}, `tensor name "a" is taken`},
		"metadata": {[]Source{{Name: "__metadata__", DType: F32}}, "is taken"},
		"type":     {[]Source{{Name: "a", DType: "F16"}}, `type "F16" cannot be written`},
		"fill":     {[]Source{{Name: "a", DType: F32, Float: func([]float32) error { return boom }}}, `tensor "a": boom`},
		"integers": {[]Source{{Name: "a", DType: I64, Ints: []int64{1, 2}}}, `tensor "a": 2 values for 1 elements`},
		"bytes":    {[]Source{{Name: "a", DType: U8, Shape: []int{3}, Bytes: []uint8{1}}}, `tensor "a": 1 values for 3 elements`},
	} {
		path := filepath.Join(dir, "w.safetensors")
		err := WriteFile(path, nil, c.tensors)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v, want %s: … %s", name, err, path, c.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("files left behind: %v", left)
	}
	if err := WriteFile(filepath.Join(dir, "no", "w"), nil, nil); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "no", "w")) {
		t.Errorf("missing directory: %v", err)
	}
}

// FuzzOpen: no header makes the reader panic, allocate on its word alone or
// accept tensors that are not wholly there.
func FuzzOpen(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, "12345678"))
	f.Add(file(`{"__metadata__":{"format":"pt"},"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}   `, "12345678"))
	f.Add(file(`{}`, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		f, err := open(b)
		if err != nil {
			return
		}
		var sum uint64
		for _, info := range f.Tensors() {
			size, err := info.bytes()
			if err != nil || size > uint64(len(b)) {
				t.Fatalf("accepted %+v in %d bytes: %v", info, len(b), err)
			}
			sum += size
			if info.DType == F32 {
				if err := f.ReadFloat32(info.Name, make([]float32, info.Len())); err != nil {
					t.Fatal(err)
				}
			}
		}
		if sum > uint64(len(b)) {
			t.Fatalf("tensors of %d bytes in a file of %d", sum, len(b))
		}
	})
}
