package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

const (
	magic      = "\x93NUMPY"
	maxHeader  = 1 << 16 // bytes of a header that is still believed; NumPy's own limit is 10,000
	alignment  = 64      // data begin at a multiple of this
	preambleV1 = len(magic) + 2 + 2
)

// ErrFormat is the kind of every error about what the bytes of a file are; an
// error of reading or writing them is not one.
var ErrFormat = errors.New("not a readable .npy array")

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// A Header says what an array is.
type Header struct {
	Descr string // element type as NumPy writes it: "<f4" or "<f8"
	Shape []int  // length of each dimension, slowest first; empty for a scalar
}

// Len returns the number of elements. ReadHeader has made sure that the
// elements' bytes can be counted in an int.
func (h Header) Len() int {
	n := 1
	for _, d := range h.Shape {
		n *= d
	}
	return n
}

// ReadHeader reads the header and leaves r at the first byte of the data.
func ReadHeader(r io.Reader) (Header, error) {
	var pre [preambleV1 + 2]byte
	if err := readFull(r, pre[:len(magic)+2], "the magic string and version"); err != nil {
		return Header{}, err
	}
	if string(pre[:len(magic)]) != magic {
		return Header{}, formatError("begins with %q, want %q", pre[:len(magic)], magic)
	}
	size, err := readHeaderSize(r, pre[len(magic)], pre[len(magic)+1])
	if err != nil {
		return Header{}, err
	}
	text := make([]byte, size)
	if err := readFull(r, text, "the header"); err != nil {
		return Header{}, err
	}
	return parseHeader(string(text))
}

func readHeaderSize(r io.Reader, major, minor byte) (int, error) {
	var b [4]byte
	switch {
	case minor == 0 && major == 1:
		if err := readFull(r, b[:2], "the header's length"); err != nil {
			return 0, err
		}
	case minor == 0 && (major == 2 || major == 3):
		if err := readFull(r, b[:], "the header's length"); err != nil {
			return 0, err
		}
	default:
		return 0, formatError("version %d.%d, want 1.0, 2.0 or 3.0", major, minor)
	}
	size := binary.LittleEndian.Uint32(b[:])
	if size > maxHeader {
		return 0, formatError("header of %d bytes, at most %d are read", size, maxHeader)
	}
	return int(size), nil
}

func readFull(r io.Reader, b []byte, what string) error {
	n, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return formatError("truncated in %s: %d of %d bytes", what, n, len(b))
	}
	return err
}

func (h Header) check() error {
	switch h.Descr {
	case "<f4", "<f8":
	default:
		return formatError("element type %q, want \"<f4\" or \"<f8\": convert with numpy's astype", h.Descr)
	}
	bytes := int64(8)
	for _, d := range h.Shape {
		if d > 0 && bytes > math.MaxInt64/int64(d) {
			return formatError("shape %s is larger than any memory", ShapeString(h.Shape))
		}
		bytes *= int64(d)
	}
	return nil
}

// ShapeString writes a shape as NumPy does: (2, 3), (2,) and ().
func ShapeString(shape []int) string {
	s := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(shape)), ", "), "[]")
	if len(shape) == 1 {
		s += ","
	}
	return "(" + s + ")"
}

// encode returns the bytes before the data, version 1.0.
func (h Header) encode() []byte {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", h.Descr, ShapeString(h.Shape))
	used := preambleV1 + len(text) + 1
	text += strings.Repeat(" ", (alignment-used%alignment)%alignment) + "\n"
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...)
}
