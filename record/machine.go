package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A Machine is the identity of where a run took place. Numbers of machines
// that differ in any field are not comparable.
type Machine struct {
	CPUModel string `json:"cpu_model"`
	CPUs     int    `json:"cpus"`         // that this process may use
	Memory   int64  `json:"memory_bytes"` // of the host or the container's limit, the smaller, rounded to GiB
	GPU      string `json:"gpu"`          // model and count; empty without
	Driver   string `json:"driver"`       // of the GPU
	Libtorch string `json:"libtorch"`     // version
	Governor string `json:"governor"`     // class: "performance", "powersave", "other" or "none"
}

// ID is a short name for the identity: eight hexadecimal digits.
func (m Machine) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v", m))
	return hex.EncodeToString(sum[:4])
}

// Context is what may differ between comparable runs; a difference is worth a
// warning.
type Context struct {
	Kernel    string  `json:"kernel"`
	Container string  `json:"container"` // kind, empty for none
	Load1     float64 `json:"load1"`     // one-minute load average at the start
	Bench     string  `json:"bench"`     // build of the harness
}
