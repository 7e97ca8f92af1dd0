package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"lensbench/protocol"
)

// Tags that yaml.v3 gives to nodes.
const (
	nullTag  = "!!null"
	boolTag  = "!!bool"
	intTag   = "!!int"
	floatTag = "!!float"
	textTag  = "!!str"
	mergeTag = "!!merge"
	dateTag  = "!!timestamp"
)

// titleLimit keeps titles inside a table of 100 columns.
const titleLimit = 120

// scalar reads a single value that f describes; the result has f's Go type.
func (d *decoder) scalar(p pair, f protocol.Field) (any, bool) {
	if p.value.Kind != yaml.ScalarNode {
		d.kind(p, f.Key, wantValue(f))
		return nil, false
	}
	switch f.Type {
	case reflect.Int:
		return d.integer(p, f)
	case reflect.Float64:
		return d.float(p, f)
	case reflect.Bool:
		if p.value.Tag != boolTag {
			d.kind(p, f.Key, wantValue(f))
			return nil, false
		}
		return strings.EqualFold(p.value.Value, "true"), true
	}
	return d.text(p, f)
}

var decimal = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)

func (d *decoder) integer(p pair, f protocol.Field) (any, bool) {
	n := p.value
	whole := decimal.MatchString(n.Value)
	switch {
	case n.Tag == intTag && !whole:
		d.report(n, f.Key+" is not written as a plain decimal number", wantValue(f), "")
		return nil, false
	case n.Tag == floatTag && !whole:
		d.report(n, f.Key+" is not a whole number", wantValue(f), "")
		return nil, false
	case n.Tag != intTag && n.Tag != floatTag:
		d.notNumber(p, f)
		return nil, false
	}
	v, err := strconv.Atoi(n.Value)
	if err != nil || !within(f, float64(v)) {
		d.report(n, f.Key+" is out of range", wantValue(f), "")
		return nil, false
	}
	return v, true
}

func (d *decoder) float(p pair, f protocol.Field) (any, bool) {
	n := p.value
	if n.Tag != intTag && n.Tag != floatTag {
		d.notNumber(p, f)
		return nil, false
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		d.report(n, f.Key+" is not a finite decimal number", wantValue(f), "")
		return nil, false
	case !within(f, v):
		d.report(n, f.Key+" is out of range", wantValue(f), "")
		return nil, false
	}
	return v, true
}

// notNumber reports a value where a number should be.
func (d *decoder) notNumber(p pair, f protocol.Field) {
	want := wantValue(f)
	if _, err := strconv.ParseFloat(p.value.Value, 64); err == nil {
		want += ", without quotes"
	}
	d.kind(p, f.Key, want)
}

func (d *decoder) text(p pair, f protocol.Field) (any, bool) {
	n := p.value
	switch {
	case n.Tag == nullTag && n.Value == "null" && isOneOf("null", f.Enum):
		d.report(n, "null without quotes is YAML for no value", `"null" in quotes`, "")
		return nil, false
	case len(f.Enum) > 0 && n.Tag == textTag && !isOneOf(n.Value, f.Enum):
		d.unknown(n, "no such "+f.Key, f.Enum)
		return nil, false
	case n.Tag != textTag:
		want := wantValue(f)
		if len(f.Enum) == 0 && n.Tag != nullTag {
			want += fmt.Sprintf(", in quotes if it looks like %s", describe(n))
		}
		d.kind(p, f.Key, want)
		return nil, false
	case strings.TrimSpace(n.Value) == "":
		d.report(p.node(), f.Key+" is empty", wantValue(f), "")
		return nil, false
	case strings.ContainsAny(n.Value, "\r\n") || len(n.Value) > titleLimit:
		d.report(n, f.Key+" is longer than a line of a table", wantValue(f), "")
		return nil, false
	}
	return n.Value, true
}

func within(f protocol.Field, v float64) bool {
	return !f.HasRange || v >= f.Min && v <= f.Max
}

func isOneOf(word string, names []string) bool {
	for _, n := range names {
		if n == word {
			return true
		}
	}
	return false
}

// wantValue says in words what a single value may be.
func wantValue(f protocol.Field) string {
	var want string
	switch {
	case f.Type == reflect.Slice:
		return wantList(f)
	case len(f.Enum) > 0:
		return oneOf(f.Enum)
	case f.Type == reflect.Int:
		want = "a whole number"
	case f.Type == reflect.Float64:
		want = "a number"
	case f.Type == reflect.Bool:
		return "true or false"
	default:
		return fmt.Sprintf("text of one line, at most %d bytes", titleLimit)
	}
	if f.HasRange {
		want += fmt.Sprintf(" from %s to %s", number(f.Min), number(f.Max))
	}
	return want
}

func wantList(f protocol.Field) string {
	if len(f.Enum) == 0 {
		return "a list with at least one item"
	}
	return "a list with at least one of " + strings.Join(f.Enum, ", ")
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// describe says what a value is, for "X is …".
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == textTag && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return "text in quotes"
	case n.Kind == yaml.ScalarNode && n.Tag == textTag:
		return "text"
	case n.Kind == yaml.ScalarNode && n.Tag == nullTag:
		return "null (no value)"
	}
	return "a " + noun(n)
}

func noun(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "map"
	case yaml.SequenceNode:
		return "list"
	}
	switch n.Tag {
	case boolTag:
		return "truth value"
	case intTag:
		return "whole number"
	case floatTag:
		return "number"
	case dateTag:
		return "date"
	}
	return "word"
}
