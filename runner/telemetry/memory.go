package telemetry

import (
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// AvailableMemory is how many bytes new work can have without swapping, as the
// kernel estimates it; false if it does not say.
func AvailableMemory() (int64, bool) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, false
	}
	m, err := fs.Meminfo()
	if err != nil || m.MemAvailableBytes == nil {
		return 0, false
	}
	return int64(*m.MemAvailableBytes), true
}

// Kills is how often the kernel has killed a process for want of memory since
// boot: a rise explains a worker's sudden death. 0 if the kernel does not say.
func Kills() int64 {
	b, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			kills, _ := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			return kills
		}
	}
	return 0
}
