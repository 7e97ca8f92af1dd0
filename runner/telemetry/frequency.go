package telemetry

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// frequencies are the files in which the kernel shows the clock of each core, in
// kHz; none on most virtual machines.
func frequencies(root string) []string {
	paths, _ := filepath.Glob(filepath.Join("/", root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"))
	return paths
}

// meanMHz is the mean clock of all cores now; 0 if the kernel shows none.
func meanMHz(paths []string) float64 {
	sum, n := 0.0, 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if kHz, err := strconv.ParseFloat(strings.TrimSpace(string(b)), 64); err == nil && kHz > 0 {
			sum += kHz / 1000
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Absent says what this machine does not tell, by what it is, with the reason;
// nil if it tells all.
func Absent() map[string]string {
	out := map[string]string{}
	if err := ProbeInstructions(); err != nil {
		out["instructions"] = err.Error()
	}
	if len(frequencies("")) == 0 {
		out["processor clock"] = "this machine shows none (no scaling_cur_freq), as usual for a virtual one"
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
