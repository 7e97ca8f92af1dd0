package scenarios

import (
	"fmt"
	"reflect"

	"gopkg.in/yaml.v3"
)

// controlName is the name of the control's arm in every cell.
const controlName = "control"

// A variant is an arm with the name that the scenario gives it.
type variant struct {
	pair
	Name string
	arm
}

// variants are in the order of the file.
type variants []variant

func (variants) want(field) string {
	return "a map from names to arms, such as {threads: {set: {schedule: threads}}}"
}

func (vs *variants) decode(d *decoder, p pair, f field) {
	pairs, ok := d.mapping(p, f.Key, vs.want(f))
	if ok && len(p.value.Content) == 0 {
		d.report(p.node(), "no variants", vs.want(f), "")
	}
	for _, kv := range pairs {
		if kv.key.Value == controlName {
			d.report(kv.key, "a variant cannot have the control's name", "another name", "")
			continue
		}
		if !d.named(kv.key, "name of a variant") || refused(kv.value) {
			continue
		}
		v := variant{pair: kv, Name: kv.key.Value}
		before := len(d.problems)
		d.structure(kv, "variant "+v.Name, "variants."+v.Name, reflect.ValueOf(&v.arm).Elem())
		if len(d.problems) == before {
			d.at["variants."+v.Name] = kv
		}
		*vs = append(*vs, v)
	}
}

func (vs variants) names() []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = v.Name
	}
	return out
}

// decides names the variant and the cell that decide the claim. Which names
// and values exist is checked once the whole file is read.
type decides struct {
	variant string
	node    *yaml.Node // of the variant's name
	cell    []choice
}

// A choice is the value of one axis of the matrix.
type choice struct {
	pair
	axis string
	text string
}

func (decides) want(field) string {
	return "a map with the variant and a value for each axis of the matrix"
}

func (v *decides) decode(d *decoder, p pair, f field) {
	pairs, ok := d.mapping(p, f.Key, v.want(f))
	if !ok {
		return
	}
	for _, kv := range pairs {
		text, ok := d.choice(kv)
		if !ok {
			continue
		}
		if kv.key.Value == "variant" {
			v.variant, v.node = text, kv.value
		} else {
			v.cell = append(v.cell, choice{kv, kv.key.Value, text})
		}
	}
	if v.node == nil && !has(pairs, "variant") {
		d.missing(p, "variant", f.Key, "the name of the variant that decides the claim")
	}
}

// choice reads the value of an axis: a word, a number, or a list of words.
func (d *decoder) choice(p pair) (string, bool) {
	switch {
	case refused(p.value):
		return "", false
	case p.value.Kind == yaml.SequenceNode:
		words := make([]string, len(p.value.Content))
		for i, n := range p.value.Content {
			words[i] = n.Value
		}
		return textOf(words), true
	case p.value.Kind != yaml.ScalarNode || p.value.Tag == nullTag:
		d.kind(p, p.key.Value, "a single value")
		return "", false
	}
	return p.value.Value, true
}

// plainText writes a number, word or truth value.
func plainText(v any) string { return fmt.Sprint(v) }
