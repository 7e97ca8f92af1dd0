package telemetry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An event is what the kernel counts.
type event struct {
	typ    uint32
	config uint64
}

// instructions of user space: what the program does, whoever else runs.
var instructions = event{unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS}

// A Counter counts the instructions that a worker's process tree executes in
// user space. They repeat from sample to sample far better than time does, and
// so are a second witness. It is for one goroutine.
//
// The kernel counts by thread: those that exist are asked for one by one, and
// their children, threads or processes, are counted with them.
type Counter struct{ fds []int }

// CountInstructions counts those of a process group from now on.
func CountInstructions(group int) (*Counter, error) { return count(instructions, group) }

// ProbeInstructions says why this process cannot count instructions, or nil.
func ProbeInstructions() error {
	fd, err := instructions.open(0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func count(e event, group int) (*Counter, error) {
	list, err := listProcesses()
	if err != nil {
		return nil, err
	}
	c := &Counter{}
	for _, p := range list {
		if p.group != group {
			continue
		}
		tasks, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.pid), "task")) // none if it has ended
		for _, t := range tasks {
			tid, _ := strconv.Atoi(t.Name())
			fd, err := e.open(tid)
			if errors.Is(err, unix.ESRCH) {
				continue // ended since
			}
			if err != nil {
				c.Close()
				return nil, err
			}
			c.fds = append(c.fds, fd)
		}
	}
	if c.fds == nil {
		return nil, fmt.Errorf("no process of group %d to count instructions of", group)
	}
	return c, nil
}

// open counts a thread, 0 being this one, and its children.
func (e event) open(tid int) (fd int, err error) {
	attr := unix.PerfEventAttr{Type: e.typ, Config: e.config, Read_format: unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING,
		Bits: unix.PerfBitInherit | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv}
	attr.Size = unix.PERF_ATTR_SIZE_VER0
	fd, err = unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	switch err {
	case nil:
		return fd, nil
	case unix.ENOENT, unix.EOPNOTSUPP, unix.ENODEV:
		return -1, fmt.Errorf("this machine shows no counter of instructions, as usual for a virtual one (%w)", err)
	case unix.EACCES, unix.EPERM:
		b, _ := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
		return -1, fmt.Errorf("counting instructions is not allowed (perf_event_paranoid is %s; want 2 or less, and in a container CAP_PERFMON): %w", strings.TrimSpace(string(b)), err)
	}
	return -1, fmt.Errorf("counting instructions: %w", err)
}

// Read is the count so far. Where the processor has too few counters for all who
// ask, it is an estimate from the time in which this one had its turn.
func (c *Counter) Read() (int64, error) {
	total := 0.0
	var b [24]byte
	for _, fd := range c.fds {
		if n, err := unix.Read(fd, b[:]); err != nil || n != len(b) {
			return 0, fmt.Errorf("read a counter of instructions: %d bytes, %w", n, err)
		}
		value := float64(binary.NativeEndian.Uint64(b[:8]))
		enabled, running := binary.NativeEndian.Uint64(b[8:16]), binary.NativeEndian.Uint64(b[16:])
		if running > 0 && running < enabled {
			value *= float64(enabled) / float64(running)
		}
		total += value
	}
	return int64(total), nil
}

// Close ends the counting.
func (c *Counter) Close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
	c.fds = nil
}
