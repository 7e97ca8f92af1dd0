package fits

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// An Image is an image to write, of float32 (BITPIX −32) or float64 (−64) values.
type Image[T float32 | float64] struct {
	Name   string // EXTNAME, in ASCII; "": none
	Shape  []int  // slowest axis first
	Pixels []T
	Cards  []Card // more keywords
}

// A Card is a keyword with a value.
type Card struct {
	Key     string // up to 8 letters, digits, - and _
	Value   any    // string, bool, int or float64
	Comment string
}

// Write writes a file of images: one alone is the primary HDU, several are
// extensions behind an empty one.
func Write[T float32 | float64](w io.Writer, images []Image[T]) error {
	b := bufio.NewWriter(w)
	if len(images) != 1 {
		head := []Card{{"SIMPLE", true, "FITS standard 4.0"}, {"BITPIX", 8, ""}, {"NAXIS", 0, ""}, {"EXTEND", true, "images follow"}}
		if err := writeHeader(b, head); err != nil {
			return err
		}
	}
	for i := range images {
		if err := images[i].write(b, len(images) != 1); err != nil {
			return err
		}
	}
	return b.Flush()
}

func (m *Image[T]) write(b *bufio.Writer, extension bool) error {
	bitPix := -32
	if _, double := any(m.Pixels).([]float64); double {
		bitPix = -64
	}
	head := []Card{{"SIMPLE", true, "FITS standard 4.0"}}
	if extension {
		head = []Card{{"XTENSION", "IMAGE", ""}}
	}
	head = append(head, Card{"BITPIX", bitPix, "IEEE floating point"}, Card{"NAXIS", len(m.Shape), ""})
	n := 1
	for i := range m.Shape {
		size := m.Shape[len(m.Shape)-1-i]
		n *= size
		head = append(head, Card{"NAXIS" + strconv.Itoa(i+1), size, ""})
	}
	if n != len(m.Pixels) || len(m.Shape) == 0 {
		return fmt.Errorf("FITS: %d pixels for an image of shape %v", len(m.Pixels), m.Shape)
	}
	if extension {
		head = append(head, Card{"PCOUNT", 0, ""}, Card{"GCOUNT", 1, ""})
	}
	if m.Name != "" {
		head = append(head, Card{"EXTNAME", m.Name, ""})
	}
	if err := writeHeader(b, append(head, m.Cards...)); err != nil {
		return err
	}
	return m.writePixels(b)
}

func (m *Image[T]) writePixels(b *bufio.Writer) error {
	var word [8]byte
	size := 4
	for _, v := range m.Pixels {
		switch v := any(v).(type) {
		case float32:
			binary.BigEndian.PutUint32(word[:], math.Float32bits(v))
		case float64:
			size = 8
			binary.BigEndian.PutUint64(word[:], math.Float64bits(v))
		}
		if _, err := b.Write(word[:size]); err != nil {
			return err
		}
	}
	_, err := b.Write(make([]byte, padding(len(m.Pixels)*size)))
	return err
}

func padding(n int) int { return (blockSize - n%blockSize) % blockSize }

func writeHeader(b *bufio.Writer, cards []Card) error {
	for _, c := range cards {
		text, err := c.format()
		if err != nil {
			return err
		}
		if _, err := b.WriteString(text); err != nil {
			return err
		}
	}
	end := fmt.Sprintf("%-80s", "END")
	_, err := b.WriteString(end + strings.Repeat(" ", padding((len(cards)+1)*cardSize)))
	return err
}

// format is a card in fixed format, section 4.2.
func (c Card) format() (string, error) {
	if len(c.Key) == 0 || len(c.Key) > 8 || strings.Trim(c.Key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return "", fmt.Errorf("FITS: keyword %q is not of up to 8 capitals, digits, - and _", c.Key)
	}
	var value string
	switch v := c.Value.(type) {
	case bool:
		value = fmt.Sprintf("%20s", map[bool]string{true: "T", false: "F"}[v])
	case int:
		value = fmt.Sprintf("%20d", v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("FITS: keyword %s cannot be %v", c.Key, v)
		}
		value = fmt.Sprintf("%20s", decimal(v))
	case string:
		value = fmt.Sprintf("%-20s", fmt.Sprintf("'%-8s'", strings.ReplaceAll(v, "'", "''")))
	default:
		return "", fmt.Errorf("FITS: keyword %s has a %T", c.Key, v)
	}
	text := fmt.Sprintf("%-8s= %s", c.Key, value)
	if c.Comment != "" && len(text)+3+len(c.Comment) <= cardSize {
		text += " / " + c.Comment
	}
	if len(text) > cardSize || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fmt.Errorf("FITS: keyword %s: %q does not fit into a card of ASCII", c.Key, text)
	}
	return fmt.Sprintf("%-80s", text), nil
}

// decimal is a number that is not taken for an integer.
func decimal(v float64) string {
	text := strings.ToUpper(strconv.FormatFloat(v, 'g', -1, 64))
	if !strings.ContainsAny(text, ".E") {
		text += ".0"
	}
	return text
}
