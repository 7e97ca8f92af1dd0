package raster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"image/png"
	"io"

	"github.com/klauspost/compress/zlib"
)

// A Decoder decodes pictures one after another in the same memory. Its zero value
// is ready; it is for one goroutine.
type Decoder struct {
	packed   bytes.Buffer // the image data of a picture in several chunks
	reader   bytes.Reader
	inflater io.ReadCloser // also a zlib.Resetter; nil before the first picture
	raw      []byte        // rows as the format has them: a filter's number, then bytes
}

// Decode decodes the PNG whose bytes are b into dst, [bands, height, width], which
// has just that many elements.
func (d *Decoder) Decode(b []byte, dst []float32) error {
	h, err := ReadHeader(b)
	if err != nil {
		return err
	}
	if n := h.Bands * h.Height * h.Width; n != len(dst) {
		return formatError("%d×%d pixels in %d bands are %d values, want %d", h.Width, h.Height, h.Bands, n, len(dst))
	}
	data, err := d.imageData(b)
	if err != nil {
		return err
	}
	if !h.plain() {
		return decodeRare(b, h, dst)
	}
	stride := h.channels() * h.Depth / 8 * h.Width
	if err := d.inflate(data, h.Height*(1+stride)); err != nil {
		return err
	}
	if err := unfilter(d.raw, stride, h.channels()*h.Depth/8); err != nil {
		return err
	}
	return spread(d.raw, h, dst)
}

// imageData returns what is compressed: the data of all IDAT chunks. All chunks
// must be sound, up to IEND.
func (d *Decoder) imageData(b []byte) (data []byte, err error) {
	d.packed.Reset()
	rest, kind := b[len(signature):], ""
	for chunks := 0; kind != "IEND"; {
		var part []byte
		if kind, part, rest, err = nextChunk(rest, len(b)-len(rest)); err != nil {
			return nil, err
		}
		if kind != "IDAT" {
			continue
		}
		if chunks++; chunks == 1 { // mostly there is no other
			data = part
			continue
		}
		if chunks == 2 {
			d.packed.Write(data)
		}
		d.packed.Write(part)
		data = d.packed.Bytes()
	}
	return data, nil
}

// inflate fills raw with n bytes, which must be all there are.
func (d *Decoder) inflate(data []byte, n int) (err error) {
	d.reader.Reset(data)
	if d.inflater == nil {
		d.inflater, err = zlib.NewReader(&d.reader)
	} else {
		err = d.inflater.(zlib.Resetter).Reset(&d.reader, nil)
	}
	if err != nil {
		return formatError("image data: %v", err)
	}
	if cap(d.raw) < n+1 {
		d.raw = make([]byte, n+1)
	}
	// One byte more is asked for, so that the end is seen and the checksum read.
	got, err := io.ReadFull(d.inflater, d.raw[:n+1])
	switch {
	case err == nil:
		return formatError("image data go on after %d bytes", n)
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return formatError("image data: %v", err)
	case got < n:
		return formatError("image data end after %d of %d bytes", got, n)
	}
	d.raw = d.raw[:n]
	return nil
}

// spread converts rows of pixels to planes of bands.
func spread(raw []byte, h Header, dst []float32) error {
	channels, size := h.channels(), h.Depth/8
	step, stride := channels*size, channels*size*h.Width
	opaque := uint16(1<<h.Depth - 1)
	for y := range h.Height {
		row := raw[y*(1+stride)+1:][:stride]
		for b := range h.Bands {
			plane := dst[(b*h.Height+y)*h.Width:][:h.Width]
			if size == 1 {
				for x, i := 0, b; x < len(plane) && i < len(row); x, i = x+1, i+step {
					plane[x] = float32(row[i])
				}
			} else {
				for x := range plane {
					plane[x] = float32(binary.BigEndian.Uint16(row[x*step+2*b:]))
				}
			}
		}
		if channels == h.Bands {
			continue
		}
		for x := range h.Width {
			alpha := uint16(row[(x+1)*step-1])
			if size == 2 {
				alpha |= uint16(row[(x+1)*step-2]) << 8
			}
			if alpha != opaque {
				return transparent(x, y)
			}
		}
	}
	return nil
}

func transparent(x, y int) error {
	return fmt.Errorf("the pixel in row %d, column %d is transparent: its value is not known", y, x)
}

// decodeRare decodes a picture that is not plain.
func decodeRare(b []byte, h Header, dst []float32) error {
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return formatError("%v", err)
	}
	shift := 8 // 8 bits or less become 8
	if h.Depth == 16 {
		shift = 0
	}
	each := h.Height * h.Width
	for y := range h.Height {
		for x := range h.Width {
			c := color.NRGBA64Model.Convert(m.At(x, y)).(color.NRGBA64)
			if c.A != 0xffff {
				return transparent(x, y)
			}
			for band, v := range []uint16{c.R, c.G, c.B}[:h.Bands] {
				dst[band*each+y*h.Width+x] = float32(v >> shift)
			}
		}
	}
	return nil
}
