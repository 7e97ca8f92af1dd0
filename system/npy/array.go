package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"unsafe"

	"lensbench/system/atomic"
)

// A Float is an element type.
type Float interface{ float32 | float64 }

func descr[T Float]() string {
	if unsafe.Sizeof(T(0)) == 4 {
		return "<f4"
	}
	return "<f8"
}

// chunk is how many elements are written at a time, and for how many there is
// memory before any was read.
const chunk = 8192

// Write writes one array.
func Write[T Float](w io.Writer, shape []int, data []T) error {
	h := Header{Descr: descr[T](), Shape: shape}
	if err := h.check(); err != nil {
		return err
	}
	if h.Len() != len(data) {
		return fmt.Errorf("npy: shape %s needs %d elements, got %d", ShapeString(shape), h.Len(), len(data))
	}
	if _, err := w.Write(h.encode()); err != nil {
		return err
	}
	var buf []byte
	for len(data) > 0 {
		n := min(len(data), chunk)
		buf = appendFloats(buf[:0], data[:n])
		if _, err := w.Write(buf); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func appendFloats[T Float](b []byte, data []T) []byte {
	switch d := any(data).(type) {
	case []float32:
		for _, v := range d {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case []float64:
		for _, v := range d {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b
}

// WriteFile writes one array to a file, which appears complete or not at all.
func WriteFile[T Float](path string, shape []int, data []T) error {
	return atomic.WriteFile(path, func(w io.Writer) error { return Write(w, shape, data) })
}

// Read reads one array, which must be all that r holds.
func Read[T Float](r io.Reader) (shape []int, data []T, err error) {
	h, err := readTyped[T](r)
	if err != nil {
		return nil, nil, err
	}
	want := h.Len()
	data = make([]T, 0, min(want, chunk))
	for len(data) < want {
		n := min(want-len(data), max(chunk, len(data)))
		data = append(data, make([]T, n)...)
		if err := readData(r, h, data, len(data)-n); err != nil {
			return nil, nil, err
		}
	}
	return h.Shape, data, readEnd(r, h)
}

// ReadInto reads one array of exactly len(dst) elements without allocating for
// its data.
func ReadInto[T Float](r io.Reader, dst []T) (shape []int, err error) {
	h, err := readTyped[T](r)
	if err != nil {
		return nil, err
	}
	if h.Len() != len(dst) {
		return nil, formatError("shape %s has %d elements, want %d", ShapeString(h.Shape), h.Len(), len(dst))
	}
	if err := readData(r, h, dst, 0); err != nil {
		return nil, err
	}
	return h.Shape, readEnd(r, h)
}

// ReadFile reads the one array of a file.
func ReadFile[T Float](path string) (shape []int, data []T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if shape, data, err = Read[T](f); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return shape, data, nil
}

func readTyped[T Float](r io.Reader) (Header, error) {
	h, err := ReadHeader(r)
	if err == nil && h.Descr != descr[T]() {
		err = formatError("element type %q, want %q: convert with numpy's astype", h.Descr, descr[T]())
	}
	return h, err
}

// readData fills data[from:]; the elements before it are only counted, for the
// error.
func readData[T Float](r io.Reader, h Header, data []T, from int) error {
	b := bytesOf(data[from:])
	got, err := io.ReadFull(r, b)
	if err == io.EOF && len(b) > 0 || err == io.ErrUnexpectedEOF {
		size := int(unsafe.Sizeof(T(0)))
		return formatError("truncated: shape %s needs %d bytes of data, there are %d",
			ShapeString(h.Shape), h.Len()*size, from*size+got)
	}
	if err == nil && !littleEndian {
		reverse(b, int(unsafe.Sizeof(T(0))))
	}
	return err
}

// littleEndian says whether numbers in memory are as in files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf returns the memory of data, into which a file is read as it is: through
// a buffer, small images took three times as long.
func bytesOf[T Float](data []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*int(unsafe.Sizeof(T(0))))
}

// reverse reverses the bytes of each element.
func reverse(b []byte, size int) {
	for element := range slices.Chunk(b, size) {
		slices.Reverse(element)
	}
}

func readEnd(r io.Reader, h Header) error {
	var b [1]byte
	switch n, err := io.ReadFull(r, b[:]); {
	case n > 0:
		return formatError("bytes after the data of shape %s", ShapeString(h.Shape))
	case err != io.EOF:
		return err
	}
	return nil
}
