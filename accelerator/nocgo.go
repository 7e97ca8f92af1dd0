//go:build !cgo

package accelerator

import "fmt"

// Open says that this build cannot load NVML.
func Open() (Monitor, error) {
	return nil, fmt.Errorf("%w: this program was built without cgo (CGO_ENABLED=0), and NVML is loaded by it", ErrAbsent)
}
