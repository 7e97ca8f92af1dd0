package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
)

// A Machine is the identity of where a run took place. Numbers of machines
// that differ in any field are not comparable.
type Machine struct {
	CPUModel string `json:"cpu_model"`
	// Instructions are the extensions that decide which kernels run, as Linux names
	// them, parted by blanks: virtual machines give one name to processors of several
	// generations. Empty in records of builds that did not look, and if none is there.
	Instructions string `json:"instructions,omitempty"`
	CPUs         int    `json:"cpus"`         // that this process may use
	Memory       int64  `json:"memory_bytes"` // of the host or the container's limit, the smaller, rounded to GiB
	GPU          string `json:"gpu"`          // model and count; empty without
	Driver       string `json:"driver"`       // of the GPU
	Libtorch     string `json:"libtorch"`     // version
	Governor     string `json:"governor"`     // class: "performance", "powersave", "other" or "none"
}

// ID is a short name for the identity: eight hexadecimal digits. What has no
// instructions keeps the ID that it had before they were part of an identity.
func (m Machine) ID() string {
	text := fmt.Sprintf("record.Machine{CPUModel:%#v, CPUs:%#v, Memory:%#v, GPU:%#v, Driver:%#v, Libtorch:%#v, Governor:%#v}",
		m.CPUModel, m.CPUs, m.Memory, m.GPU, m.Driver, m.Libtorch, m.Governor)
	sum := sha256.Sum256([]byte(text + m.Instructions))
	return hex.EncodeToString(sum[:4])
}

// Differences lists the fields in which m and other differ, as "cpus 2, not
// 4" with m's value first; empty if numbers of the two are comparable.
func (m Machine) Differences(other Machine) []string {
	var out []string
	a, b := reflect.ValueOf(m), reflect.ValueOf(other)
	for i := range a.NumField() {
		x, y := a.Field(i).Interface(), b.Field(i).Interface()
		if x != y {
			key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			out = append(out, fmt.Sprintf("%s %s, not %s", key, show(x), show(y)))
		}
	}
	return out
}

func show(v any) string {
	if v == "" {
		return "none"
	}
	return fmt.Sprint(v)
}

// Context is what may differ between comparable runs; a difference is worth a
// warning.
type Context struct {
	Kernel      string            `json:"kernel"`
	Container   string            `json:"container"`        // kind, empty for none
	Load1       float64           `json:"load1"`            // one-minute load average at the start
	Bench       string            `json:"bench"`            // build of the harness
	Absent      map[string]string `json:"absent,omitempty"` // telemetry that the machine does not give, and why
	Environment []string          `json:"environment"`      // "KEY=value" that steers threads or devices, in every worker
	Beside      string            `json:"beside,omitempty"` // what ran beside all arms on purpose
}
