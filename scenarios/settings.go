package scenarios

import (
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"lensbench/nearest"
	"lensbench/protocol"
)

// kindKey is the setting that the workload alone has.
const kindKey = "kind"

// trainedKey is the setting without which scores mean nothing.
const trainedKey = "trained"

// A setting is one key of settings with its value.
type setting struct {
	pair
	field protocol.Field
	value any // an int, float64, string, bool or []string
}

// settings are some of protocol.Settings, in the order of the file. A list,
// because a setting that is present with its zero value must override too.
type settings []setting

// apply lays the settings over s.
func (set settings) apply(s *protocol.Settings) {
	for _, one := range set {
		s.Set(one.field, one.value)
	}
}

func (set settings) get(key string) (setting, bool) {
	for _, s := range set {
		if s.field.Key == key {
			return s, true
		}
	}
	return setting{}, false
}

func (settings) want(field) string { return "a map of settings, such as {batch: 8}" }

func (set *settings) decode(d *decoder, p pair, f field) {
	pairs, ok := d.mapping(p, f.Key, set.want(f))
	if !ok {
		return
	}
	for _, kv := range pairs {
		pf, ok := d.settingField(kv.key, f.Key)
		if !ok || refused(kv.value) {
			continue
		}
		if v, ok := d.settingValue(kv, pf); ok {
			*set = append(*set, setting{kv, pf, v})
		}
	}
}

// someSettings is said where a setting is wanted: there are too many to name in one
// line.
const someSettings = "a setting such as model, batch or threads; bench schema describes all"

// settingField looks a setting up by its name.
func (d *decoder) settingField(key *yaml.Node, what string) (protocol.Field, bool) {
	f, ok := protocol.FieldByKey(key.Value)
	if !ok {
		d.report(key, "not a setting", someSettings, nearest.Name(key.Value, settingKeys(what == "workload")))
	} else if f.Key == kindKey && what != "workload" {
		d.report(key, "the kind belongs to the workload, which all arms share", someSettings, "")
		ok = false
	}
	return f, ok
}

// settingKeys names all settings, with or without the kind.
func settingKeys(kind bool) []string {
	var out []string
	for _, f := range protocol.Fields() {
		if kind || f.Key != kindKey {
			out = append(out, f.Key)
		}
	}
	return out
}

// keysOfKind names the settings that a kind of workload has.
func keysOfKind(kind string) []string {
	var out []string
	for _, f := range protocol.Fields() {
		if belongs(f, kind) {
			out = append(out, f.Key)
		}
	}
	return out
}

func belongs(f protocol.Field, kind string) bool {
	return len(f.Kinds) == 0 || slices.Contains(f.Kinds, kind)
}

// settingValue reads the value of a setting, a list of words if it is one.
func (d *decoder) settingValue(p pair, f protocol.Field) (any, bool) {
	if f.Type != reflect.Slice {
		return d.scalar(p, f)
	}
	before := len(d.problems)
	var words []string
	item := itemOf(f)
	for _, n := range d.list(p, f.Key, wantList(f)) {
		if word, ok := d.scalar(pair{value: n}, item); ok {
			words = append(words, word.(string))
		}
	}
	return words, len(d.problems) == before
}

// An axis is a setting that the matrix varies.
type axis struct {
	pair
	field  protocol.Field
	values []point
}

// A point is one value of an axis.
type point struct {
	node  *yaml.Node
	value any
	text  string // as in record.Cell.Point and in decides
}

func (a axis) texts() []string {
	out := make([]string, len(a.values))
	for i, v := range a.values {
		out[i] = v.text
	}
	return out
}

// matrix is the axes in the order of the file; the last varies fastest.
type matrix []axis

func (matrix) want(field) string { return "a map from settings to lists of values" }

func (m *matrix) decode(d *decoder, p pair, f field) {
	pairs, ok := d.mapping(p, f.Key, m.want(f))
	if !ok {
		return
	}
	for _, kv := range pairs {
		pf, ok := d.settingField(kv.key, f.Key)
		if !ok || refused(kv.value) {
			continue
		}
		if a := (axis{kv, pf, d.points(kv, pf)}); len(a.values) > 0 {
			*m = append(*m, a)
		}
	}
}

// points reads the values of an axis.
func (d *decoder) points(p pair, f protocol.Field) []point {
	var out []point
	first := make(map[string]int)
	for _, n := range d.list(p, f.Key, "a list of values to vary: "+wantValue(f)) {
		v, ok := d.settingValue(pair{value: n}, f)
		if !ok {
			continue
		}
		if text := textOf(v); d.once(n, text, f.Key, first) {
			out = append(out, point{n, v, text})
		}
	}
	return out
}

// textOf writes a setting's value as one word.
func textOf(v any) string {
	if words, ok := v.([]string); ok {
		return strings.Join(words, "+")
	}
	return plainText(v)
}
