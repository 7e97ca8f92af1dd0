package scenarios

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"lensbench/nearest"
	"lensbench/protocol"
)

// A decoder reads the nodes of one file into Go values and collects problems
// instead of stopping at the first. After a problem the value stays zero; later
// checks look only at what was understood.
type decoder struct {
	source
	at map[string]pair // what is present and understood, by path such as "claim.id"
}

// A pair is a key of a mapping and its value. The root and the items of a list
// have no key.
type pair struct {
	key, value *yaml.Node
}

// node is where problems of the pair as a whole are reported.
func (p pair) node() *yaml.Node {
	if p.key != nil {
		return p.key
	}
	return p.value
}

// A field is a key that a mapping may have. Its protocol.Field is the schema
// of a single value.
type field struct {
	protocol.Field
	need  bool
	index int // in its struct
}

// A custom type decodes itself, because its keys are the user's own names or
// its text has a form of its own.
type custom interface {
	decode(d *decoder, p pair, f field)
	want(f field) string
}

// fieldsOf reads the keys of a struct off its tags.
func fieldsOf(t reflect.Type) []field {
	out := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		f := field{index: i, need: sf.Tag.Get("need") == "true"}
		f.Key, f.Doc, f.Type = sf.Tag.Get("yaml"), sf.Tag.Get("doc"), base(sf.Type).Kind()
		f.Enum = strings.Fields(sf.Tag.Get("enum"))
		if lo, ok := sf.Tag.Lookup("min"); ok {
			f.HasRange, f.Min, f.Max = true, limit(lo), limit(sf.Tag.Get("max"))
		}
		out = append(out, f)
	}
	return out
}

func base(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// limit reads the text of a min or max tag: a number, or a duration in seconds.
func limit(text string) float64 {
	if t, err := time.ParseDuration(text); err == nil {
		return t.Seconds()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("scenarios: tag %q is neither a number nor a duration", text))
	}
	return v
}

func keys(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Key
	}
	return out
}

// structure decodes a mapping into the struct v. what names it in messages,
// path is where its fields are filed in d.at.
func (d *decoder) structure(p pair, what, path string, v reflect.Value) {
	fields := fieldsOf(v.Type())
	pairs, ok := d.mapping(p, what, "a map with "+strings.Join(keys(fields), ", "))
	if !ok {
		return
	}
	seen := make(map[string]bool)
	for _, kv := range pairs {
		f, ok := find(fields, kv.key.Value)
		if !ok {
			d.unknown(kv.key, "not a key of "+what, keys(fields))
			continue
		}
		seen[f.Key] = true
		d.field(kv, f, join(path, f.Key), v.Field(f.index))
	}
	for _, f := range fields {
		if f.need && !seen[f.Key] {
			d.missing(p, f.Key, what, f.Doc)
		}
	}
}

func find(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.Key == key {
			return f, true
		}
	}
	return field{}, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// field decodes one value into v, allocating it if it is optional, and files
// it under path if there was nothing to complain about.
func (d *decoder) field(p pair, f field, path string, v reflect.Value) {
	if refused(p.value) {
		return
	}
	before := len(d.problems)
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	d.value(p, f, path, v)
	if len(d.problems) == before {
		d.at[path] = p
	}
}

func (d *decoder) value(p pair, f field, path string, v reflect.Value) {
	if c, ok := v.Addr().Interface().(custom); ok {
		c.decode(d, p, f)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(p, f.Key, path, v)
	case reflect.Slice:
		d.slice(p, f, path, v)
	default:
		if x, ok := d.scalar(p, f.Field); ok {
			v.Set(reflect.ValueOf(x))
		}
	}
}

// slice decodes a list that has at least one item and none twice.
func (d *decoder) slice(p pair, f field, path string, v reflect.Value) {
	words := v.Type().Elem().Kind() == reflect.String
	want := wantList(f.Field)
	if !words {
		want = "a list of maps with " + strings.Join(keys(fieldsOf(v.Type().Elem())), ", ")
	}
	first := make(map[string]int)
	one := field{Field: itemOf(f.Field)}
	for i, n := range d.list(p, f.Key, want) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.field(pair{value: n}, one, path+"."+strconv.Itoa(i), item)
		v.Set(reflect.Append(v, item))
		if words && n.Kind == yaml.ScalarNode {
			d.once(n, n.Value, f.Key, first)
		}
	}
}

// itemOf describes one item of a list of words, or of maps.
func itemOf(f protocol.Field) protocol.Field {
	f.Key, f.Type = "item of "+f.Key, reflect.String
	return f
}

// once complains about an item that the list of what has already.
func (d *decoder) once(n *yaml.Node, text, what string, first map[string]int) bool {
	line, again := first[text]
	if again {
		d.report(n, fmt.Sprintf("listed a second time in %s; first in line %d", what, line), "each at most once", "")
		return false
	}
	first[text] = n.Line
	return true
}

// mapping returns the keys and values of a mapping, without those keys that
// it has complained about.
func (d *decoder) mapping(p pair, what, want string) ([]pair, bool) {
	if p.value.Kind != yaml.MappingNode {
		d.kind(p, what, want)
		return nil, false
	}
	var out []pair
	first := make(map[string]int)
	for i := 0; i+1 < len(p.value.Content); i += 2 {
		kv := pair{p.value.Content[i], p.value.Content[i+1]}
		switch line, dup := first[kv.key.Value]; {
		case refused(kv.key) || kv.key.Tag == mergeTag:
		case kv.key.Kind != yaml.ScalarNode:
			d.report(kv.key, "a "+noun(kv.key)+" cannot be a key of "+what, "a word as key", "")
		case dup:
			d.report(kv.key, fmt.Sprintf("a second time in %s; first in line %d", what, line), "each key at most once", "")
		default:
			first[kv.key.Value] = kv.key.Line
			out = append(out, kv)
		}
	}
	return out, true
}

// list returns the items of a list, without those that the file may not
// contain; an empty list is a problem.
func (d *decoder) list(p pair, what, want string) []*yaml.Node {
	switch {
	case p.value.Kind != yaml.SequenceNode:
		d.kind(p, what, want)
		return nil
	case len(p.value.Content) == 0:
		d.report(p.node(), what+" is an empty list", want, "")
		return nil
	}
	var out []*yaml.Node
	for _, n := range p.value.Content {
		if !refused(n) {
			out = append(out, n)
		}
	}
	return out
}

// unknown reports a word that is not one of the names.
func (d *decoder) unknown(n *yaml.Node, wrong string, names []string) {
	d.report(n, wrong, oneOf(names), nearest.Name(n.Value, names))
}

// missing reports a key that p lacks, at p's own key.
func (d *decoder) missing(p pair, key, what, doc string) {
	at := Problem{File: d.file, Line: 1, Column: 1}
	if p.key != nil {
		at = d.place(p.key)
	} else if p.value != nil && p.value != d.root {
		at = d.place(p.value)
	}
	at.Text, at.Wrong, at.Want = key, "missing from "+what, doc
	d.problems = append(d.problems, at)
}

// kind reports a value of the wrong kind: a list where a map should be, say.
func (d *decoder) kind(p pair, what, want string) {
	if p.value.Tag == nullTag && p.value.Value == "" {
		d.report(p.node(), what+" has no value", want, "")
		return
	}
	d.report(p.value, what+" is "+describe(p.value), want, "")
}
