package fits

import (
	"encoding/binary"
	"fmt"
	"math"
)

// chunk is how many bytes are converted at a time.
const chunk = 1 << 16

// Read reads the image of HDU i into dst, which has just as many elements. Values
// that BLANK marks are NaN.
func Read[T float32 | float64](f *File, i int, dst []T) error {
	h := &f.HDUs[i]
	if len(dst) != h.Len() {
		return fmt.Errorf("%s: HDU %d has %d values, not %d", f.path, i, h.Len(), len(dst))
	}
	size := max(h.BitPix, -h.BitPix) / 8
	buf := make([]byte, min(chunk, len(dst)*size))
	for done := 0; done < len(dst); {
		n := min(len(buf)/size, len(dst)-done)
		if _, err := f.f.ReadAt(buf[:n*size], h.data+int64(done*size)); err != nil {
			return f.wrong(h, fmt.Errorf("data at byte %d: %w", h.data+int64(done*size), err))
		}
		convert(h, buf[:n*size], dst[done:done+n])
		done += n
	}
	return nil
}

// convert turns stored bytes into values.
func convert[T float32 | float64](h *HDU, b []byte, dst []T) {
	plain := h.scale == 1 && h.zero == 0
	switch {
	case h.BitPix == -32 && plain:
		for i := range dst {
			dst[i] = T(math.Float32frombits(binary.BigEndian.Uint32(b[4*i:])))
		}
	case h.BitPix == -64 && plain:
		for i := range dst {
			dst[i] = T(math.Float64frombits(binary.BigEndian.Uint64(b[8*i:])))
		}
	case h.BitPix < 0:
		size := -h.BitPix / 8
		for i := range dst {
			dst[i] = T(h.zero + h.scale*float(b[size*i:], size))
		}
	default:
		size := h.BitPix / 8
		for i := range dst {
			v := integer(b[size*i:], size)
			if h.blank != nil && v == *h.blank {
				dst[i] = T(math.NaN())
				continue
			}
			dst[i] = T(h.zero + h.scale*float64(v))
		}
	}
}

func float(b []byte, size int) float64 {
	if size == 4 {
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

func integer(b []byte, size int) int64 {
	switch size {
	case 1:
		return int64(b[0]) // without a sign, section 5.2.1
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}
