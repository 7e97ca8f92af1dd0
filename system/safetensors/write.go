package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"

	"lensbench/system/atomic"
)

// A Source is a tensor to be written. Its data are asked for one tensor at a
// time, so they need not be in memory together.
type Source struct {
	Name  string
	DType DType // F32, I64 or U8
	Shape []int
	Float func(dst []float32) error // fills the elements of an F32 tensor; nil: zeros
	Ints  []int64                   // the elements of an I64 tensor; nil: zeros
	Bytes []uint8                   // the elements of a U8 tensor; nil: zeros
}

// WriteFile writes a file that appears complete or not at all. Metadata may be
// nil; PyTorch's own files have {"format": "pt"}.
func WriteFile(path string, metadata map[string]string, tensors []Source) error {
	return atomic.WriteFile(path, func(w io.Writer) error { return Write(w, metadata, tensors) })
}

// Write writes tensors, those with the largest elements first and otherwise in
// their order, so that each is aligned to its element size.
func Write(w io.Writer, metadata map[string]string, tensors []Source) error {
	tensors = append([]Source(nil), tensors...)
	sort.SliceStable(tensors, func(i, j int) bool {
		return elementSize[tensors[i].DType] > elementSize[tensors[j].DType]
	})
	header, err := encodeHeader(metadata, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	var buf []float32
	for _, t := range tensors {
		if buf, err = writeData(w, t, buf); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// encodeHeader returns the header and its length. Names are written in the
// order of the data, which encoding/json does not do for a map.
func encodeHeader(metadata map[string]string, tensors []Source) ([]byte, error) {
	var fields []string
	if metadata != nil {
		fields = append(fields, quote(metadataKey)+":"+quote(metadata))
	}
	seen := map[string]bool{metadataKey: true}
	var at uint64
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor name %q is taken", t.Name)
		}
		seen[t.Name] = true
		if t.DType != F32 && t.DType != I64 && t.DType != U8 {
			return nil, fmt.Errorf("tensor %q: type %q cannot be written, want F32, I64 or U8", t.Name, t.DType)
		}
		size, err := Info{Name: t.Name, DType: t.DType, Shape: t.Shape}.bytes()
		if err != nil {
			return nil, err
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{} // "[]", not "null"
		}
		fields = append(fields, quote(t.Name)+":"+quote(entry{DType: t.DType, Shape: shape, Offsets: []uint64{at, at + size}}))
		at += size
	}
	text := "{" + strings.Join(fields, ",") + "}"
	text += strings.Repeat(" ", (8-len(text)%8)%8) // data begin at a multiple of 8
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// quote returns v as JSON; v is of types that always marshal.
func quote(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// writeData writes one tensor with buf as scratch, which it returns.
func writeData(w io.Writer, t Source, buf []float32) ([]float32, error) {
	n := Info{Shape: t.Shape}.Len()
	switch t.DType {
	case I64:
		return buf, writeElements(w, t.Ints, n)
	case U8:
		return buf, writeElements(w, t.Bytes, n)
	}
	if cap(buf) < n {
		buf = make([]float32, n)
	}
	buf = buf[:n]
	if t.Float == nil {
		clear(buf)
	} else if err := t.Float(buf); err != nil {
		return buf, err
	}
	_, err := w.Write(bytesOf(buf))
	return buf, err
}

func writeElements[E int64 | uint8](w io.Writer, v []E, n int) error {
	if v == nil {
		v = make([]E, n)
	}
	if len(v) != n {
		return fmt.Errorf("%d values for %d elements", len(v), n)
	}
	_, err := w.Write(bytesOf(v))
	return err
}
