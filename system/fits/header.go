package fits

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	blockSize = 2880
	cardSize  = 80
	mostCards = 100_000 // of a header; real ones have some hundreds
	mostAxes  = 999     // section 4.4.1.1
)

// A Header is the values of an HDU's keywords, as they are written. Of a keyword
// that comes twice the first counts.
type Header map[string]string

// parseCard adds a card to the header and says whether it is the last one.
func (h Header) parseCard(card string) (end bool, err error) {
	key := strings.TrimRight(card[:8], " ")
	switch {
	case key == "END":
		return true, nil
	case key == "" || key == "COMMENT" || key == "HISTORY" || card[8:10] != "= ":
		return false, nil
	}
	value, err := parseValue(card[10:])
	if err != nil {
		return false, fmt.Errorf("keyword %s: %w", key, err)
	}
	if _, twice := h[key]; !twice {
		h[key] = value
	}
	return false, nil
}

// parseValue takes a value from the rest of a card, without its comment; strings
// without quotes and trailing blanks.
func parseValue(field string) (string, error) {
	field = strings.TrimLeft(field, " ")
	if !strings.HasPrefix(field, "'") {
		value, _, _ := strings.Cut(field, "/")
		return strings.TrimSpace(value), nil
	}
	var b strings.Builder
	for i := 1; i < len(field); i++ {
		if field[i] != '\'' {
			b.WriteByte(field[i])
			continue
		}
		if i+1 == len(field) || field[i+1] != '\'' { // two of them are one
			return strings.TrimRight(b.String(), " "), nil
		}
		b.WriteByte('\'')
		i++
	}
	return "", fmt.Errorf("string %s has no end", field)
}

// Int returns a keyword's integer, or fallback if it is not there.
func (h Header) Int(key string, fallback int64) (int64, error) {
	text, ok := h[key]
	if !ok {
		return fallback, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("keyword %s is %q, want a whole number", key, text)
	}
	return v, nil
}

// Float returns a keyword's number, or fallback if it is not there. Fortran's D is
// an exponent too.
func (h Header) Float(key string, fallback float64) (float64, error) {
	text, ok := h[key]
	if !ok {
		return fallback, nil
	}
	v, err := strconv.ParseFloat(strings.Replace(text, "D", "E", 1), 64)
	if err != nil {
		return 0, fmt.Errorf("keyword %s is %q, want a number", key, text)
	}
	return v, nil
}
