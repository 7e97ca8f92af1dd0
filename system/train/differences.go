package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Differences returns what differs between two runs, one text for each setting,
// figure of the images or of the machine: "batch is 32, not 64".
func Differences(a, b RunLine) []string {
	out := differences(a.Settings, b.Settings)
	for _, d := range differences(a.Data, b.Data) {
		out = append(out, "data."+d)
	}
	for _, d := range differences(a.Machine, b.Machine) {
		out = append(out, "machine."+d)
	}
	return out
}

// differences compares two values of one type by their JSON, and returns for
// each field that differs its name and both values: "batch is 32, not 64".
func differences(is, want any) []string {
	a, b := flat(is), flat(want)
	names := maps.Clone(a)
	maps.Copy(names, b)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if a[name] != b[name] {
			out = append(out, fmt.Sprintf("%s is %s, not %s", name, orNone(a[name]), orNone(b[name])))
		}
	}
	return out
}

func orNone(text string) string {
	if text == "" {
		return "not set"
	}
	return text
}

// flat returns the values that are no objects, as JSON, by the names of the
// fields that lead to them.
func flat(v any) map[string]string {
	out := map[string]string{}
	collect(out, "", mustJSON(v))
	return out
}

func collect(out map[string]string, name string, value json.RawMessage) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(value, &fields) != nil || fields == nil {
		out[name] = string(value)
		return
	}
	for field, v := range fields {
		if name != "" {
			field = name + "." + field
		}
		collect(out, field, v)
	}
}
