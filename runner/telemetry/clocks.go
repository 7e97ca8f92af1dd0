package telemetry

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A process is one process of the host and where its CPU clock stood.
type process struct {
	pid   int
	group int     // process group
	clock int32   // id of its CPU clock
	cpu   float64 // s, at the last reading
}

// listProcesses returns every process but this one, with its clock unread.
func listProcesses() ([]process, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	self := os.Getpid()
	var out []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == self {
			continue
		}
		group, err := unix.Getpgid(pid)
		if err != nil {
			continue // ended since
		}
		out = append(out, process{pid: pid, group: group, clock: cpuClock(pid)})
	}
	return out, nil
}

// cpuClock is the id of the clock that counts the CPU time of all threads of
// a process, as clock_getcpuclockid(3) makes it: the complement of the process
// id above three bits, of which 2 selects the scheduler's own count.
func cpuClock(pid int) int32 { return int32(^pid)<<3 | 2 }

// advance reads the clock and returns the CPU time since the last reading, 0
// for a process that has ended.
func (p *process) advance() float64 {
	now := readClock(p.clock)
	d := now - p.cpu
	p.cpu = now
	return max(0, d) // the id may belong to a new process by now
}

func readClock(id int32) float64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0
	}
	return float64(ts.Sec) + float64(ts.Nsec)*1e-9
}
