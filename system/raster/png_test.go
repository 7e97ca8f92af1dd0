package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"
)

// A spec is a PNG to be written by the book, for what image/png cannot write.
type spec struct {
	width, height, depth int
	colour, interlace    byte
	rows                 []byte // filters' numbers and bytes, as they are compressed
	split                int    // into IDAT chunks of so many bytes; 0: one
}

func (s spec) encode() []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(s.rows)
	w.Close()
	header := binary.BigEndian.AppendUint32(nil, uint32(s.width))
	header = binary.BigEndian.AppendUint32(header, uint32(s.height))
	header = append(header, byte(s.depth), s.colour, 0, 0, s.interlace)
	b := append([]byte(signature), chunk("IHDR", header)...)
	if s.split == 0 {
		s.split = packed.Len()
	}
	for part := range slices.Chunk(packed.Bytes(), s.split) {
		b = append(b, chunk("IDAT", part)...)
	}
	return append(b, chunk("IEND", nil)...)
}

func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// decode decodes a PNG of any size.
func decode(b []byte) (Header, []float32, error) {
	h, err := ReadHeader(b)
	if err != nil {
		return h, nil, err
	}
	dst := make([]float32, h.Bands*h.Height*h.Width)
	return h, dst, new(Decoder).Decode(b, dst)
}

// pictures are of all kinds that image/png writes. It chooses filters by the rows,
// so that smooth and rough ones get them all.
func pictures() map[string]image.Image {
	r := rand.New(rand.NewPCG(1, 2))
	bounds := image.Rect(0, 0, 23, 19)
	gray, gray16 := image.NewGray(bounds), image.NewGray16(bounds)
	rgb8, rgb16 := image.NewNRGBA(bounds), image.NewNRGBA64(bounds)
	pal := image.NewPaletted(bounds, color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 50, 255}, color.NRGBA{9, 9, 9, 255}})
	for y := range 19 {
		for x := range 23 {
			v := func() uint16 { return uint16(x*y*40 + y*900 + r.IntN(1+y*300)) }
			gray16.SetGray16(x, y, color.Gray16{v()})
			gray.SetGray(x, y, color.Gray{byte(v() >> 8)})
			rgb8.SetNRGBA(x, y, color.NRGBA{byte(v() >> 8), byte(v() >> 8), byte(v() >> 7), 255})
			rgb16.SetNRGBA64(x, y, color.NRGBA64{v(), v(), v(), 0xffff})
			pal.SetColorIndex(x, y, uint8(r.IntN(3)))
		}
	}
	return map[string]image.Image{"grey": gray, "grey, 16 bits": gray16, "colours": rgb8, "colours, 16 bits": rgb16, "palette": pal}
}

func TestDecodeGivesTheIntegersOfTheFile(t *testing.T) {
	for name, m := range pictures() {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		h, got, err := decode(b.Bytes())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := values(m, h); !slices.Equal(got, want) {
			t.Errorf("%s: got %v…, want %v…", name, got[:10], want[:10])
		}
	}
}

// values returns what an array of the picture should have, pixel by pixel.
func values(m image.Image, h Header) []float32 {
	v := make([]float32, 0, h.Bands*h.Width*h.Height)
	for b := range h.Bands {
		for y := range h.Height {
			for x := range h.Width {
				c := color.NRGBA64Model.Convert(m.At(x, y)).(color.NRGBA64)
				value := []uint16{c.R, c.G, c.B}[b]
				if h.Depth < 16 {
					value /= 257
				}
				v = append(v, float32(value))
			}
		}
	}
	return v
}

// Each filter, in the first row, whose row above is zeros, and in another.
func TestFilters(t *testing.T) {
	for filter, want := range [][]float32{
		{10, 20, 30, 1, 2, 250},
		{10, 30, 60, 1, 3, 253},
		{10, 20, 30, 11, 22, 24},
		{10, 25, 42, 6, 17, 23}, // 20+10/2, 30+25/2; 1+10/2, 2+(6+25)/2, 250+(17+42)/2 - 256
		{10, 30, 60, 11, 32, 54},
	} {
		f := byte(filter)
		_, got, err := decode(spec{width: 3, height: 2, depth: 8, rows: []byte{f, 10, 20, 30, f, 1, 2, 250}}.encode())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("filter %d: %v (%v), want %v", filter, got, err, want)
		}
	}
	// The neighbours are those of the same channel, and of the same byte.
	_, got, err := decode(spec{width: 2, height: 1, depth: 16, colour: rgb,
		rows: []byte{filterLeft, 0, 1, 0, 2, 0, 3, 1, 1, 1, 1, 1, 255}}.encode())
	if want := []float32{1, 258, 2, 259, 3, 258}; err != nil || !slices.Equal(got, want) {
		t.Errorf("colours of 16 bits: %v (%v), want %v", got, err, want)
	}
}

func TestPaeth(t *testing.T) {
	for _, c := range []struct{ left, up, corner, want int }{
		{1, 2, 3, 1}, {10, 20, 20, 10}, {10, 20, 10, 20}, {5, 5, 5, 5}, {0, 0, 9, 0}, {3, 9, 6, 6}, {0, 255, 128, 128}, {0, 255, 127, 127},
	} {
		if got := paeth(c.left, c.up, c.corner); got != c.want {
			t.Errorf("left %d, up %d, corner %d: %d, want %d", c.left, c.up, c.corner, got, c.want)
		}
	}
}

func TestRareKinds(t *testing.T) {
	for name, c := range map[string]struct {
		spec
		want []float32
	}{
		"alpha, all opaque": {spec{width: 2, height: 1, depth: 8, colour: rgba, rows: []byte{0, 1, 2, 3, 255, 4, 5, 6, 255}}, []float32{1, 4, 2, 5, 3, 6}},
		"grey and alpha":    {spec{width: 2, height: 1, depth: 16, colour: greyAlpha, rows: []byte{0, 1, 0, 255, 255, 0, 7, 255, 255}}, []float32{256, 7}},
		"one bit":           {spec{width: 3, height: 1, depth: 1, rows: []byte{0, 0b10100000}}, []float32{255, 0, 255}},
		"in small chunks":   {spec{width: 3, height: 1, depth: 8, rows: []byte{0, 1, 2, 3}, split: 3}, []float32{1, 2, 3}},
		"interlaced": {spec{width: 3, height: 2, depth: 8, interlace: 1,
			rows: []byte{0, 1, 0, 3, 0, 2, 0, 4, 5, 6}}, []float32{1, 2, 3, 4, 5, 6}}, // passes 1, 4, 6 and 7
	} {
		if _, got, err := decode(c.encode()); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v (%v), want %v", name, got, err, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	good := spec{width: 3, height: 2, depth: 8, rows: []byte{0, 1, 2, 3, 0, 4, 5, 6}}
	with := func(change func(s *spec)) []byte {
		s := good
		change(&s)
		return s.encode()
	}
	sound := good.encode()
	changed := slices.Clone(sound)
	changed[len(signature)+8+13+4+10] ^= 1 // within IDAT
	badSum := good.encode()
	copy(badSum[len(badSum)-12-8:], []byte{1, 2, 3, 4}) // of zlib, within IDAT
	start := bytes.Index(badSum, []byte("IDAT"))
	copy(badSum[len(badSum)-16:], binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(badSum[start:len(badSum)-16])))
	for want, b := range map[string][]byte{
		`begins with "", want`:                     {},
		`begins with "GIF89a12", want`:             []byte("GIF89a123"),
		"truncated at byte 8":                      sound[:12],
		`truncated: chunk "IHDR" at byte 8 has 13`: sound[:25],
		`truncated: chunk "IDAT" at byte 33`:       sound[:50],
		"truncated at byte":                        sound[:len(sound)-12],
		`chunk "IDAT" at byte 33 has checksum`:     changed,
		"image data: zlib: invalid checksum":       badSum,
		"image data end after 4 of 8 bytes":        with(func(s *spec) { s.rows = s.rows[:4] }),
		"image data go on after 8 bytes":           with(func(s *spec) { s.rows = append(slices.Clone(s.rows), 0) }),
		"row 1 has filter 5, want 0 to 4":          with(func(s *spec) { s.rows = []byte{0, 1, 2, 3, 5, 4, 5, 6} }),
		"0×2 pixels, want 1 to 65536":              with(func(s *spec) { s.width = 0 }),
		"colour type 2 with 4 bits":                with(func(s *spec) { s.colour, s.depth = rgb, 4 }),
		"colour type 9 with 8 bits":                with(func(s *spec) { s.colour = 9 }),
		"interlace 2 do not exist":                 with(func(s *spec) { s.interlace = 2 }),
		"image data: ":                             append(append([]byte(signature), sound[8:33]...), chunk("IEND", nil)...),
		`first chunk is "IEND" of 0 bytes`:         append([]byte(signature), chunk("IEND", nil)...),
		"row 0, column 1 is transparent":           spec{width: 2, height: 1, depth: 8, colour: greyAlpha, rows: []byte{0, 1, 255, 2, 254}}.encode(),
		"row 0, column 0 is transparent":           spec{width: 1, height: 1, depth: 8, interlace: 1, colour: rgba, rows: []byte{0, 1, 2, 3, 4}}.encode(),
	} {
		_, _, err := decode(b)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		} else if !strings.Contains(want, "transparent") && !errors.Is(err, ErrFormat) {
			t.Errorf("error %v is not of the kind ErrFormat", err)
		}
	}
	if err := new(Decoder).Decode(sound, make([]float32, 5)); err == nil || !strings.Contains(err.Error(), "are 6 values, want 5") {
		t.Errorf("error %v, want one with the numbers of values", err)
	}
}

// A Decoder that met an error, or a larger picture, decodes the next as a new one.
func TestADecoderIsUsedAgain(t *testing.T) {
	var d Decoder
	all := pictures()
	for range 2 {
		for name, m := range all {
			var b bytes.Buffer
			png.Encode(&b, m)
			_, want, _ := decode(b.Bytes())
			got := make([]float32, len(want))
			if err := d.Decode(b.Bytes()[:b.Len()/2], got); err == nil {
				t.Errorf("%s: half of it is no error", name)
			}
			if err := d.Decode(b.Bytes(), got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: another picture than with a new Decoder (%v)", name, err)
			}
		}
	}
}

// What is decoded, image/png decodes too, and to the same values.
func FuzzDecode(f *testing.F) {
	for _, m := range pictures() {
		var b bytes.Buffer
		png.Encode(&b, m)
		f.Add(b.Bytes())
	}
	f.Add(spec{width: 3, height: 2, depth: 8, interlace: 1, rows: []byte{0, 1, 0, 3, 0, 2, 0, 4, 5, 6}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		mend(b)
		if h, err := ReadHeader(b); err != nil || h.Width*h.Height > 1<<16 {
			return
		}
		h, got, err := decode(b)
		if err != nil {
			return
		}
		m, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("decoded, but image/png says: %v", err)
		}
		if want := values(m, h); !slices.Equal(got, want) && !bytes.Contains(b, []byte("tRNS")) {
			t.Fatalf("%+v: other values than from image/png", h)
		}
	})
}

// mend corrects the checksums of chunks, so that changes reach what is behind them.
func mend(b []byte) {
	for i := len(signature); i+12 <= len(b); {
		n := int(binary.BigEndian.Uint32(b[i:]))
		if n > len(b)-i-12 {
			return
		}
		binary.BigEndian.PutUint32(b[i+8+n:], crc32.ChecksumIEEE(b[i+4:i+8+n]))
		i += 12 + n
	}
}

func BenchmarkDecode(b *testing.B) {
	m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(40 + 12*r.NormFloat64())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		b.Fatal(err)
	}
	b.Run(fmt.Sprintf("by=raster/bytes=%d", file.Len()), func(b *testing.B) {
		b.ReportAllocs()
		var d Decoder
		dst := make([]float32, 3*64*64)
		for b.Loop() {
			if err := d.Decode(file.Bytes(), dst); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("by=image-png/bytes=%d", file.Len()), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := png.Decode(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
