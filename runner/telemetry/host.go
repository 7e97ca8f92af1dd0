package telemetry

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"lensbench/record"
)

// A Host watches this machine between calls of Before and After. It is for one
// goroutine.
type Host struct {
	files     *files
	processes []process
	own       float64 // s, CPU time of this process at Before
	before    counters

	frequencies []string // files
	mhz         float64  // at Refresh
}

// Open prepares to watch.
func Open() (*Host, error) {
	f, err := openFiles()
	if err != nil {
		return nil, fmt.Errorf("watch the host: %w", err)
	}
	return &Host{files: f, frequencies: frequencies("")}, nil
}

// Close releases the files of /proc.
func (h *Host) Close() { h.files.close() }

// Refresh takes a new list of the host's processes. It is called once per
// block; processes that start later are seen only in ticks.
func (h *Host) Refresh() error {
	list, err := listProcesses()
	if err != nil {
		return fmt.Errorf("watch the host: %w", err)
	}
	h.processes = list
	h.mhz = meanMHz(h.frequencies)
	return nil
}

// Before starts watching.
func (h *Host) Before() {
	h.before = h.files.read()
	for i := range h.processes {
		h.processes[i].advance()
	}
	h.own = readClock(unix.CLOCK_PROCESS_CPUTIME_ID)
}

// After returns what the host did since Before, besides this process and the
// sample's own processes, which are those of the process group.
func (h *Host) After(group int) record.HostSample {
	own := readClock(unix.CLOCK_PROCESS_CPUTIME_ID) - h.own
	sample, others := 0.0, 0.0
	for i := range h.processes {
		p := &h.processes[i]
		if d := p.advance(); p.group == group {
			sample += d
		} else {
			others += d
		}
	}
	now := h.files.read()
	unseen := now.busy - h.before.busy - sample - own - tickError()
	return record.HostSample{
		Steal:    max(0, now.steal-h.before.steal),
		Others:   max(others, unseen),
		Pressure: max(0, now.pressure-h.before.pressure),
		CPUMHz:   h.mhz,
	}
}

// tickError bounds what a difference of two readings of /proc/stat may exceed
// the truth by: one tick per core for each reading.
func tickError() float64 { return 2 * tick * float64(runtime.NumCPU()) }
