package baseline

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"lensbench/record"
)

// An identityKey is a configuration line that belongs to the identity of a
// machine. A field that is empty has no line.
type identityKey struct {
	key string
	get func(record.Machine) string
	set func(*record.Machine, string) error
}

// countKey is the key whose presence says that a file knows its machine: the
// go command writes cpu as well, but not how many.
const countKey = "cpus"

var identityKeys = []identityKey{
	text("cpu", func(m *record.Machine) *string { return &m.CPUModel }),
	{
		key: countKey,
		get: func(m record.Machine) string { return strconv.Itoa(m.CPUs) },
		set: func(m *record.Machine, v string) (err error) { m.CPUs, err = strconv.Atoi(v); return err },
	},
	{
		key: "memory",
		get: func(m record.Machine) string { return strconv.FormatInt(m.Memory, 10) },
		set: func(m *record.Machine, v string) (err error) { m.Memory, err = strconv.ParseInt(v, 10, 64); return err },
	},
	text("instructions", func(m *record.Machine) *string { return &m.Instructions }),
	text("gpu", func(m *record.Machine) *string { return &m.GPU }),
	text("driver", func(m *record.Machine) *string { return &m.Driver }),
	text("libtorch", func(m *record.Machine) *string { return &m.Libtorch }),
	text("governor", func(m *record.Machine) *string { return &m.Governor }),
}

// text is a key whose value is text on one line, its words parted by a blank.
func text(key string, field func(*record.Machine) *string) identityKey {
	return identityKey{
		key: key,
		get: func(m record.Machine) string { return oneLine(*field(&m)) },
		set: func(m *record.Machine, v string) error { *field(m) = oneLine(v); return nil },
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// configuration is the machine as lines of a .bench file.
func configuration(m record.Machine) []benchfmt.Config {
	var out []benchfmt.Config
	for _, k := range identityKeys {
		if v := k.get(m); v != "" {
			out = append(out, benchfmt.Config{Key: k.key, Value: []byte(v), File: true})
		}
	}
	return out
}

// machineOf reads the identity back.
func machineOf(r *benchfmt.Result) (m record.Machine, known bool, err error) {
	if _, ok := r.ConfigIndex(countKey); !ok {
		return m, false, nil
	}
	for _, k := range identityKeys {
		i, ok := r.ConfigIndex(k.key)
		if !ok {
			continue
		}
		v := string(r.Config[i].Value)
		if k.set(&m, v) != nil {
			return m, false, fmt.Errorf("%s is %q; want a whole number", k.key, v)
		}
	}
	return m, true, nil
}
