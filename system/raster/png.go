package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrFormat is the kind of every error about what the bytes of a file are.
var ErrFormat = errors.New("not a readable PNG")

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// MaxSide is the largest width and height that is believed.
const MaxSide = 1 << 16

// A Header says what a picture is.
type Header struct {
	Width, Height int
	Depth         int // bits of a value in the file
	Bands         int // 1 (grey) or 3 (red, green, blue)

	colour     byte // type, as the format has it
	interlaced bool
}

// Types of colour.
const (
	grey      = 0
	rgb       = 2
	palette   = 3
	greyAlpha = 4
	rgba      = 6
)

// channels returns the number of values of a pixel in the file.
func (h Header) channels() int {
	if h.colour == greyAlpha || h.colour == rgba {
		return h.Bands + 1
	}
	return h.Bands
}

// plain says whether the picture is one of those that are decoded here.
func (h Header) plain() bool { return h.Depth >= 8 && h.colour != palette && !h.interlaced }

const signature = "\x89PNG\r\n\x1a\n"

// ReadHeader reads the header of a PNG, of which b has at least the beginning.
func ReadHeader(b []byte) (Header, error) {
	if !bytes.HasPrefix(b, []byte(signature)) {
		return Header{}, formatError("begins with %q, want %q", b[:min(len(b), len(signature))], signature)
	}
	kind, data, _, err := nextChunk(b[len(signature):], len(signature))
	if err != nil {
		return Header{}, err
	}
	if kind != "IHDR" || len(data) != 13 {
		return Header{}, formatError("first chunk is %q of %d bytes, want \"IHDR\" of 13", kind, len(data))
	}
	return parseHeader(data)
}

func parseHeader(b []byte) (h Header, err error) {
	width, height := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide {
		return h, formatError("%d×%d pixels, want 1 to %d on a side", width, height, MaxSide)
	}
	h = Header{Width: int(width), Height: int(height), Depth: int(b[8]), colour: b[9], Bands: 3, interlaced: b[12] == 1}
	if h.colour == grey || h.colour == greyAlpha {
		h.Bands = 1
	}
	depths := map[byte][]int{grey: {1, 2, 4, 8, 16}, rgb: {8, 16}, palette: {1, 2, 4, 8}, greyAlpha: {8, 16}, rgba: {8, 16}}[h.colour]
	for _, d := range depths {
		if d == h.Depth && b[10] == 0 && b[11] == 0 && b[12] <= 1 {
			return h, nil
		}
	}
	return h, formatError("colour type %d with %d bits, compression %d, filter %d, interlace %d do not exist", h.colour, h.Depth, b[10], b[11], b[12])
}

// nextChunk splits off the chunk at the beginning of b, which is at offset of the
// file, and checks its sum.
func nextChunk(b []byte, offset int) (kind string, data, rest []byte, err error) {
	if len(b) < 12 {
		return "", nil, nil, formatError("truncated at byte %d: a chunk has 12 bytes or more, there are %d", offset, len(b))
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-12) {
		return "", nil, nil, formatError("truncated: chunk %q at byte %d has %d bytes, there are %d", b[4:8], offset, n, len(b)-12)
	}
	kind, data, rest = string(b[4:8]), b[8:8+n], b[12+n:]
	if sum, want := crc32.ChecksumIEEE(b[4:8+n]), binary.BigEndian.Uint32(b[8+n:]); sum != want {
		return "", nil, nil, formatError("chunk %q at byte %d has checksum %08x, the file says %08x", kind, offset, sum, want)
	}
	return kind, data, rest, nil
}
