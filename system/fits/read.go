package fits

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// ErrFormat is the kind of all errors about what is in a file.
var ErrFormat = errors.New("not a readable FITS file")

// An HDU is one header-data unit.
type HDU struct {
	Index  int    // from 0, the primary
	Name   string // EXTNAME; "": none
	Kind   string // "IMAGE", or the XTENSION that is none
	BitPix int
	Shape  []int // slowest axis first; empty: no data
	Header Header

	scale, zero float64
	blank       *int64
	start, data int64 // first bytes of header and data
	bytes       int64 // of data without padding
}

// A File is an opened file.
type File struct {
	HDUs []HDU
	path string
	f    io.ReaderAt
	size int64
	file io.Closer // nil: none
}

// Open reads the headers of a file. All data must be there.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w: not a file", path, ErrFormat)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	file, err := New(f, info.Size(), path)
	if err != nil {
		f.Close()
		return nil, err
	}
	file.file = f
	return file, nil
}

// New is Open of bytes that are not in a file, and are called name in errors.
func New(r io.ReaderAt, size int64, name string) (*File, error) {
	f := &File{path: name, f: r, size: size}
	return f, f.readHeaders()
}

// Close closes the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

func (f *File) readHeaders() error {
	for at := int64(0); at < f.size; {
		h := HDU{Index: len(f.HDUs), start: at}
		if err := f.readHDU(&h); err != nil {
			if h.Index > 0 && f.onlyPadding(at) {
				return nil
			}
			return f.wrong(&h, err)
		}
		f.HDUs = append(f.HDUs, h)
		at = h.data + (h.bytes+blockSize-1)/blockSize*blockSize
	}
	if len(f.HDUs) == 0 {
		return fmt.Errorf("%s: %w: the file is empty", f.path, ErrFormat)
	}
	return nil
}

// onlyPadding says whether there are but zeros or blanks up to the end: section
// 3.5 tells readers to ignore them.
func (f *File) onlyPadding(at int64) bool {
	b := make([]byte, min(f.size-at, 1<<20))
	if int64(len(b)) < f.size-at {
		return false
	}
	if _, err := f.f.ReadAt(b, at); err != nil {
		return false
	}
	return strings.Trim(string(b), "\x00 ") == ""
}

// wrong is an error about an HDU.
func (f *File) wrong(h *HDU, err error) error {
	return fmt.Errorf("%s: HDU %d at byte %d: %w: %w", f.path, h.Index, h.start, ErrFormat, err)
}

func (f *File) readHDU(h *HDU) error {
	if err := f.readCards(h); err != nil {
		return err
	}
	if err := h.interpret(); err != nil {
		return err
	}
	if h.bytes > f.size-h.data {
		return fmt.Errorf("cut short: %d bytes of data from byte %d on, the header says %d", max(f.size-h.data, 0), h.data, h.bytes)
	}
	return nil
}

func (f *File) readCards(h *HDU) error {
	h.Header = Header{}
	block := make([]byte, blockSize)
	for at := h.start; at-h.start < mostCards*cardSize; at += blockSize {
		n, err := f.f.ReadAt(block, at)
		if n < blockSize {
			if err != io.EOF && err != nil {
				return err
			}
			return fmt.Errorf("cut short: the header has no END before the end of the file")
		}
		for i := 0; i < blockSize; i += cardSize {
			card := string(block[i : i+cardSize])
			if at == h.start && i == 0 {
				if err := checkFirst(card, h.Index); err != nil {
					return err
				}
			}
			end, err := h.Header.parseCard(card)
			if err != nil {
				return err
			}
			if end {
				h.data = at + blockSize
				return nil
			}
		}
	}
	return fmt.Errorf("the header has more than %d cards", mostCards)
}

// checkFirst checks the card that an HDU begins with.
func checkFirst(card string, index int) error {
	want := "SIMPLE  = "
	if index > 0 {
		want = "XTENSION= "
	}
	if !strings.HasPrefix(card, want) {
		return fmt.Errorf("begins with %q, want %q", strings.TrimSpace(card[:10]), strings.TrimSpace(want))
	}
	return nil
}

// interpret takes from the header what is in the data.
func (h *HDU) interpret() (err error) {
	h.Kind = "IMAGE"
	if h.Index > 0 {
		h.Kind = h.Header["XTENSION"]
	} else if h.Header["SIMPLE"] != "T" {
		return fmt.Errorf("SIMPLE is %q, want T", h.Header["SIMPLE"])
	}
	h.Name = h.Header["EXTNAME"]
	bitPix, err := h.Header.Int("BITPIX", 0)
	if err != nil {
		return err
	}
	h.BitPix = int(bitPix)
	switch bitPix {
	case 8, 16, 32, 64, -32, -64:
	default:
		return fmt.Errorf("BITPIX is %d, want 8, 16, 32, 64, -32 or -64", bitPix)
	}
	if err := h.interpretAxes(); err != nil {
		return err
	}
	return h.interpretScale()
}

func (h *HDU) interpretAxes() error {
	axes, err := h.Header.Int("NAXIS", -1)
	if err != nil {
		return err
	}
	if axes < 0 || axes > mostAxes {
		return fmt.Errorf("NAXIS is %d, want 0 to %d", axes, mostAxes)
	}
	count := int64(1)
	if axes == 0 {
		count = 0
	}
	for i := axes; i >= 1; i-- {
		key := "NAXIS" + strconv.FormatInt(i, 10)
		n, err := h.Header.Int(key, -1)
		if err != nil {
			return err
		}
		if n < 0 || n > 1<<40 || n > 0 && count > (1<<56)/n {
			return fmt.Errorf("%s is %d, want 0 or more, and no more than a file can hold", key, n)
		}
		count *= n
		h.Shape = append(h.Shape, int(n))
	}
	extra, err := h.Header.Int("PCOUNT", 0)
	if err != nil {
		return err
	}
	groups, err := h.Header.Int("GCOUNT", 1)
	if err != nil {
		return err
	}
	if extra < 0 || extra > 1<<50 || groups < 1 || groups > 1<<10 {
		return fmt.Errorf("PCOUNT %d, GCOUNT %d: not the sizes of a file", extra, groups)
	}
	each := groups * int64(max(h.BitPix, -h.BitPix)/8)
	if count+extra > math.MaxInt64/each {
		return fmt.Errorf("shape %v, PCOUNT %d, GCOUNT %d: more than a file can hold", h.Shape, extra, groups)
	}
	h.bytes = (count + extra) * each
	return nil
}

func (h *HDU) interpretScale() (err error) {
	if h.scale, err = h.Header.Float("BSCALE", 1); err != nil {
		return err
	}
	if h.zero, err = h.Header.Float("BZERO", 0); err != nil {
		return err
	}
	if h.scale-h.scale != 0 || h.zero-h.zero != 0 || h.scale == 0 { // an image of one value
		return fmt.Errorf("BSCALE is %g and BZERO %g, want numbers, and BSCALE not 0", h.scale, h.zero)
	}
	if _, ok := h.Header["BLANK"]; ok && h.BitPix > 0 {
		blank, err := h.Header.Int("BLANK", 0)
		if err != nil {
			return err
		}
		h.blank = &blank
	}
	return nil
}

// Len returns the number of values of an image.
func (h *HDU) Len() int {
	if h.Kind != "IMAGE" || len(h.Shape) == 0 {
		return 0
	}
	n := 1
	for _, s := range h.Shape {
		n *= s
	}
	return n
}

// Single says whether a float32 holds each value exactly.
func (h *HDU) Single() bool {
	return h.BitPix == -32 && h.scale == 1 && h.zero == 0 ||
		(h.BitPix == 8 || h.BitPix == 16) && h.scale == 1 && h.zero == math.Trunc(h.zero) && math.Abs(h.zero) <= 1<<22
}

// Images returns the indices of the HDUs that are images with data. A compressed
// image is an error: without it an image of several bands would lack one.
func (f *File) Images() (index []int, err error) {
	for i := range f.HDUs {
		if f.HDUs[i].compressed() {
			return nil, f.compressed(i)
		}
		if f.HDUs[i].Len() > 0 {
			index = append(index, i)
		}
	}
	return index, nil
}

// compressed says whether a table holds an image, section 10.
func (h *HDU) compressed() bool { return h.Header["ZIMAGE"] == "T" }

func (f *File) compressed(at int) error {
	return fmt.Errorf("%s: HDU %d is a compressed image; funpack %s makes one that can be read", f.path, at, f.path)
}

// Find returns the index of the image that is called so: its EXTNAME, in any case,
// or its number, from 0 for the primary HDU.
func (f *File) Find(name string) (int, error) {
	at := -1
	for i := range f.HDUs {
		if h := &f.HDUs[i]; h.Name != "" && strings.EqualFold(h.Name, name) {
			at = i
			break
		}
	}
	if at < 0 {
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || n >= len(f.HDUs) {
			return 0, fmt.Errorf("%s: no HDU %q; there is %s", f.path, name, f.list())
		}
		at = n
	}
	h := &f.HDUs[at]
	switch {
	case h.compressed():
		return 0, f.compressed(at)
	case h.Len() == 0:
		return 0, fmt.Errorf("%s: HDU %d has no image; there is %s", f.path, at, f.list())
	}
	return at, nil
}

// list names all HDUs for an error.
func (f *File) list() string {
	var words []string
	for i := range f.HDUs {
		h := &f.HDUs[i]
		word := strconv.Itoa(i)
		if h.Name != "" {
			word += " " + strconv.Quote(h.Name)
		}
		if h.Len() == 0 {
			word += " (no image)"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}
