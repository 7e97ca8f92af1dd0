package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A node is a JSON value that knows where it stands.
type node struct {
	value  any // nil, bool, string, json.Number, []*node, or members
	offset int // of its first byte
}

// members are those of an object, in their order.
type members []member

type member struct {
	key   string
	at    int // offset of the key
	value *node
}

// An input is a whole file; its errors say where in it.
type input struct{ text []byte }

// errorAt returns an error that begins with line and column.
func (in input) errorAt(offset int, format string, args ...any) error {
	before := in.text[:min(offset, len(in.text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%d:%d: %s", line, column, fmt.Sprintf(format, args...))
}

// parse reads the one value that the text consists of.
func (in input) parse() (*node, error) {
	d := json.NewDecoder(bytes.NewReader(in.text))
	d.UseNumber()
	root, err := in.value(d, 0)
	if err != nil {
		return nil, err
	}
	at := in.skipSpace(int(d.InputOffset()))
	if _, err := d.Token(); err != io.EOF {
		return nil, in.errorAt(at, "more text after the JSON value")
	}
	return root, nil
}

// maxDepth bounds the recursion; cases are four levels deep.
const maxDepth = 16

func (in input) value(d *json.Decoder, depth int) (*node, error) {
	at := in.skipSpace(int(d.InputOffset()))
	token, err := d.Token()
	if err != nil {
		return nil, in.syntax(d, err)
	}
	if depth > maxDepth {
		return nil, in.errorAt(at, "nested more than %d levels deep", maxDepth)
	}
	n := &node{value: token, offset: at}
	switch token {
	case json.Delim('['):
		n.value, err = in.array(d, depth)
	case json.Delim('{'):
		n.value, err = in.object(d, depth)
	}
	return n, err
}

func (in input) array(d *json.Decoder, depth int) ([]*node, error) {
	list := []*node{}
	for d.More() {
		v, err := in.value(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, in.syntax(d, err)
}

func (in input) object(d *json.Decoder, depth int) (members, error) {
	list, seen := members{}, map[string]bool{}
	for d.More() {
		at := in.skipSpace(int(d.InputOffset()))
		token, err := d.Token()
		if err != nil {
			return nil, in.syntax(d, err)
		}
		key := token.(string) // the decoder accepts nothing else here
		if seen[key] {
			return nil, in.errorAt(at, "key %q given twice", clip(key))
		}
		seen[key] = true
		v, err := in.value(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, member{key, at, v})
	}
	_, err := d.Token()
	return list, in.syntax(d, err)
}

// syntax rewords an error of the decoder. What is wrong comes after the last
// token that it has read; the offset in the error itself does not count from the
// beginning of the text.
func (in input) syntax(d *json.Decoder, err error) error {
	switch err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return in.errorAt(len(in.text), "not JSON: the text ends too early")
	}
	return in.errorAt(in.skipSpace(int(d.InputOffset())), "not JSON: %s", err)
}

// skipSpace returns the offset of the next token, beyond what separates it from
// the one before.
func (in input) skipSpace(offset int) int {
	rest := in.text[min(offset, len(in.text)):]
	return len(in.text) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
}

// typeName returns what a value is, for errors.
func (n *node) typeName() string {
	switch v := n.value.(type) {
	case nil:
		return "null"
	case bool:
		return "a truth value"
	case string:
		return "the text " + clip(fmt.Sprintf("%q", v))
	case json.Number:
		return "the number " + clip(v.String())
	case []*node:
		return "a list"
	}
	return "an object"
}

// clip shortens what the user wrote.
func clip(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		s = string([]rune(s)[:39]) + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
