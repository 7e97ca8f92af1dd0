package cases

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"lensbench/nearest"
)

// An object is a JSON object that is being read: each key that is asked for is
// noted, so that in the end one that nobody wanted is an error. The first error
// stays, and everything after it is read as zero.
type object struct {
	in     *reader
	at     int    // offset of the object
	what   string // "case ring: lens"
	rest   members
	wanted []string
}

// A reader collects the first error.
type reader struct {
	input
	err error
}

func (r *reader) fail(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = r.errorAt(offset, format, args...)
	}
}

// object starts to read a value that must be an object.
func (r *reader) object(n *node, what string) *object {
	o := &object{in: r, at: n.offset, what: what}
	m, ok := n.value.(members)
	if !ok {
		r.fail(n.offset, "%s is %s, want an object", what, n.typeName())
	}
	o.rest = m
	return o
}

// knownKeys are all that have a meaning somewhere, and so are no misspelt others.
var knownKeys = func() map[string]bool {
	set := map[string]bool{}
	for key := range strings.FieldsSeq("id kind n_pix pixel_scale psf_fwhm lens lens_light source theta_E q phi " +
		"center_x center_y gamma1 gamma2 ra_0 dec_0 amp R_sersic n_sersic x y") {
		set[key] = true
	}
	return set
}()

// take removes a member; a missing one is an error if it is required.
func (o *object) take(key string, required bool) *node {
	o.wanted = append(o.wanted, key)
	for i, m := range o.rest {
		if m.key == key {
			o.rest = append(o.rest[:i:i], o.rest[i+1:]...)
			return m.value
		}
	}
	if required && o.in.err == nil {
		text := fmt.Sprintf("%s has no key %q", o.what, key)
		for _, m := range o.rest {
			if !knownKeys[m.key] && nearest.Name(m.key, []string{key}) != "" {
				o.in.fail(m.at, "%s; is %q meant?", text, m.key)
				return nil
			}
		}
		o.in.fail(o.at, "%s", text)
	}
	return nil
}

// end fails if there are keys that nobody has taken.
func (o *object) end() {
	if len(o.rest) == 0 || o.in.err != nil {
		return
	}
	m := o.rest[0]
	if near := nearest.Name(m.key, o.wanted); near != "" {
		o.in.fail(m.at, "%s: unknown key %q; did you mean %q?", o.what, clip(m.key), near)
		return
	}
	o.in.fail(m.at, "%s: unknown key %q; known are %s", o.what, clip(m.key), strings.Join(o.wanted, ", "))
}

// has says whether a key is there that was not taken yet.
func (o *object) has(key string) bool {
	o.wanted = append(o.wanted, key)
	return slices.ContainsFunc(o.rest, func(m member) bool { return m.key == key })
}

// A limit is the range of a number, in words and as a test.
type limit struct {
	low, high float64
	open      bool // low itself is not allowed
	unit      string
}

func (l limit) allows(v float64) bool { return v >= l.low && v <= l.high && !(l.open && v == l.low) }

func (l limit) String() string {
	s := fmt.Sprintf("%g to %g", l.low, l.high)
	if l.open {
		s = fmt.Sprintf("more than %g, up to %g", l.low, l.high)
	}
	if l.unit != "" {
		s += " " + l.unit
	}
	return s
}

// number reads a required number within its limits.
func (o *object) number(key string, l limit) float64 {
	n := o.take(key, true)
	if n == nil {
		return 0
	}
	v, ok := o.in.float(n, o.what+": "+key)
	if ok && !l.allows(v) {
		o.in.fail(n.offset, "%s: %s is %s, want %s", o.what, key, n.value, l)
	}
	return v
}

// whole reads a required whole number within its limits.
func (o *object) whole(key string, l limit) int {
	n := o.take(key, true)
	if n == nil {
		return 0
	}
	v, ok := o.in.float(n, o.what+": "+key)
	if ok && (v != math.Trunc(v) || !l.allows(v)) {
		o.in.fail(n.offset, "%s: %s is %s, want a whole number, %s", o.what, key, n.value, l)
		return 0
	}
	return int(v)
}

func (r *reader) float(n *node, what string) (float64, bool) {
	number, ok := n.value.(json.Number)
	if !ok {
		r.fail(n.offset, "%s is %s, want a number", what, n.typeName())
		return 0, false
	}
	v, err := number.Float64()
	if err != nil {
		r.fail(n.offset, "%s is %s, which is too large", what, clip(number.String()))
		return 0, false
	}
	return v, true
}

// text reads a string.
func (o *object) text(key string, required bool) string {
	n := o.take(key, required)
	if n == nil {
		return ""
	}
	s, ok := n.value.(string)
	if !ok {
		o.in.fail(n.offset, "%s: %s is %s, want a text", o.what, key, n.typeName())
	}
	return s
}

// list reads a required list.
func (o *object) list(key string) []*node {
	n := o.take(key, true)
	if n == nil {
		return nil
	}
	list, ok := n.value.([]*node)
	if !ok {
		o.in.fail(n.offset, "%s: %s is %s, want a list", o.what, key, n.typeName())
	}
	return list
}

// numbers reads a required list of numbers.
func (o *object) numbers(key string, l limit) []float64 {
	list := o.list(key)
	out := make([]float64, len(list))
	for i, n := range list {
		if o.in.err != nil {
			return nil
		}
		what := fmt.Sprintf("%s: %s[%d]", o.what, key, i)
		v, ok := o.in.float(n, what)
		if ok && !l.allows(v) {
			o.in.fail(n.offset, "%s is %s, want %s", what, n.value, l)
		}
		out[i] = v
	}
	return out
}
