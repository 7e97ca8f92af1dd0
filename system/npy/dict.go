package npy

import (
	"strconv"
	"strings"
)

// parseHeader reads the header's text: a Python dictionary literal with exactly
// the keys descr, fortran_order and shape, in any order.
func parseHeader(text string) (Header, error) {
	p := &dictParser{rest: text}
	h, err := p.dict()
	if err != nil {
		return Header{}, err
	}
	if p.space(); p.rest != "" {
		return Header{}, formatError("%q after the header's dictionary", clip(p.rest))
	}
	return h, h.check()
}

// A dictParser consumes the literal from the left.
type dictParser struct{ rest string }

func (p *dictParser) dict() (Header, error) {
	var h Header
	seen := map[string]bool{}
	if err := p.expect("{"); err != nil {
		return h, err
	}
	for !p.take("}") {
		key, err := p.quoted()
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, formatError("key %q twice in the header", key)
		}
		seen[key] = true
		if err := p.entry(key, &h); err != nil {
			return h, err
		}
		if !p.take(",") && !strings.HasPrefix(p.rest, "}") {
			return h, formatError("header has %q where \",\" or \"}\" should be", clip(p.rest))
		}
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return h, formatError("header without the key %q", key)
		}
	}
	return h, nil
}

func (p *dictParser) entry(key string, h *Header) (err error) {
	if err := p.expect(":"); err != nil {
		return err
	}
	switch key {
	case "descr":
		h.Descr, err = p.quoted()
	case "fortran_order":
		err = p.cOrder()
	case "shape":
		h.Shape, err = p.tuple()
	default:
		err = formatError("unknown key %q in the header", key)
	}
	p.space()
	return err
}

func (p *dictParser) cOrder() error {
	switch {
	case p.take("False"):
		return nil
	case p.take("True"):
		return formatError("array in Fortran order: save it with numpy.ascontiguousarray")
	}
	return formatError("fortran_order is %q, want False or True", clip(p.rest))
}

func (p *dictParser) tuple() ([]int, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	shape := []int{}
	for comma := true; !p.take(")"); {
		if !comma {
			return nil, formatError("shape has %q where \",\" or \")\" should be", clip(p.rest))
		}
		d, err := p.length()
		if err != nil {
			return nil, err
		}
		shape = append(shape, d)
		comma = p.take(",")
	}
	return shape, nil
}

func (p *dictParser) length() (int, error) {
	p.space()
	digits := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, "0123456789"))]
	d, err := strconv.Atoi(digits)
	if err != nil {
		return 0, formatError("shape has %q where a length should be", clip(p.rest))
	}
	p.rest = p.rest[len(digits):]
	return d, nil
}

func (p *dictParser) quoted() (string, error) {
	p.space()
	for _, q := range []string{"'", `"`} {
		if body, ok := strings.CutPrefix(p.rest, q); ok {
			s, rest, closed := strings.Cut(body, q)
			if !closed {
				return "", formatError("header ends inside the string %q", clip(s))
			}
			p.rest = rest
			return s, nil
		}
	}
	return "", formatError("header has %q where a quoted string should be", clip(p.rest))
}

func (p *dictParser) expect(token string) error {
	if !p.take(token) {
		return formatError("header has %q where %q should be", clip(p.rest), token)
	}
	return nil
}

func (p *dictParser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	p.rest = rest
	return ok
}

func (p *dictParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n\f") }

// clip shortens a text for an error.
func clip(s string) string {
	if len(s) > 20 {
		return s[:20] + "…"
	}
	return s
}
