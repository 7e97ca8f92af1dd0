package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"sort"
	"strings"
)

const (
	lengthSize  = 8           // bytes before the header: its length
	maxHeader   = 100_000_000 // bytes; the reference implementation's limit
	metadataKey = "__metadata__"
)

// ErrFormat is the kind of every error about what the bytes of a file are; an
// error of reading or writing them is not one.
var ErrFormat = errors.New("not a readable safetensors file")

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// formatErrorIn is formatError about the file of that name.
func formatErrorIn(name, format string, args ...any) error {
	return fmt.Errorf("%s: %w", name, formatError(format, args...))
}

// A DType is an element type as the format writes it.
type DType string

// The element types that are written here; others are only recognised.
const (
	F32 DType = "F32"
	I64 DType = "I64"
	U8  DType = "U8"
)

var elementSize = map[DType]uint64{
	"BOOL": 1, U8: 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
	"U16": 2, "I16": 2, "F16": 2, "BF16": 2,
	"U32": 4, "I32": 4, F32: 4,
	"U64": 8, I64: 8, "F64": 8, "C64": 8,
}

// An Info describes a tensor.
type Info struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar

	begin, end uint64 // bytes, from the end of the header
}

// Len returns the number of elements.
func (t Info) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// An entry is one tensor's value in the header.
type entry struct {
	DType   DType    `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets []uint64 `json:"data_offsets"`
}

// parseHeader reads the header's JSON and checks that the tensors fill
// dataSize bytes without gap or overlap. Tensors come in the order of their
// bytes.
func parseHeader(text []byte, dataSize uint64) ([]Info, map[string]string, error) {
	tensors, metadata, err := decodeHeader(text)
	if err != nil {
		return nil, nil, err
	}
	sort.SliceStable(tensors, func(i, j int) bool {
		a, b := tensors[i], tensors[j]
		return a.begin < b.begin || a.begin == b.begin && a.end < b.end
	})
	var at uint64
	for _, t := range tensors {
		switch {
		case t.begin < at:
			return nil, nil, formatError("tensor %q begins at byte %d of the data, inside the tensor before it, which ends at %d", t.Name, t.begin, at)
		case t.begin > at:
			return nil, nil, formatError("%d bytes of the data before tensor %q belong to no tensor", t.begin-at, t.Name)
		case t.end > dataSize:
			return nil, nil, formatError("truncated: tensor %q ends at byte %d of the data, there are %d", t.Name, t.end, dataSize)
		}
		at = t.end
	}
	if at != dataSize {
		return nil, nil, formatError("%d bytes after the last tensor", dataSize-at)
	}
	return tensors, metadata, nil
}

// decodeHeader walks the top-level object token by token, because decoding into
// a map hides names that occur twice.
func decodeHeader(text []byte) (tensors []Info, metadata map[string]string, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, formatError("header is not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, nil, formatError("header: %v", err)
		}
		if seen[name] {
			return nil, nil, formatError("header names %q twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			if err := d.Decode(&metadata); err != nil {
				return nil, nil, formatError("header: %s: %v", metadataKey, err)
			}
			continue
		}
		t, err := decodeEntry(d, name)
		if err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, t)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, formatError("header: %v", err)
	}
	if rest := bytes.TrimRight(text[d.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, formatError("%q after the header's object", clip(string(rest)))
	}
	return tensors, metadata, nil
}

func decodeEntry(d *json.Decoder, name string) (Info, error) {
	var e entry
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Info{}, formatError("header: tensor %q: %v", name, err)
	}
	if len(e.Offsets) != 2 || e.Offsets[0] > e.Offsets[1] {
		return Info{}, formatError("tensor %q: data_offsets %v, want [begin, end]", name, e.Offsets)
	}
	t := Info{Name: name, DType: e.DType, Shape: e.Shape, begin: e.Offsets[0], end: e.Offsets[1]}
	size, err := t.bytes()
	if err == nil && size != t.end-t.begin {
		err = formatError("tensor %q: %s of shape %s needs %d bytes, its data_offsets span %d",
			name, t.DType, ShapeString(t.Shape), size, t.end-t.begin)
	}
	return t, err
}

// bytes returns the size of the elements.
func (t Info) bytes() (uint64, error) {
	n, ok := elementSize[t.DType]
	if !ok {
		return 0, formatError("tensor %q: unknown element type %q", t.Name, t.DType)
	}
	for _, d := range t.Shape {
		if d < 0 {
			return 0, formatError("tensor %q: shape %s has a negative size", t.Name, ShapeString(t.Shape))
		}
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 || low > 1<<62 {
			return 0, formatError("tensor %q: shape %s is larger than any memory", t.Name, ShapeString(t.Shape))
		}
		n = low
	}
	return n, nil
}

// ShapeString writes a shape as PyTorch does: (64, 3, 7, 7), (5,) and ().
func ShapeString(shape []int) string {
	s := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(shape)), ", "), "[]")
	if len(shape) == 1 {
		s += ","
	}
	return "(" + s + ")"
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
