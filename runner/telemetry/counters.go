package telemetry

import (
	"bytes"
	"io"
	"os"
	"strconv"
)

// counters are the host-wide counters at one moment.
type counters struct {
	steal    float64 // s taken by the hypervisor, all cores
	busy     float64 // s not idle and not stolen, all cores, in ticks
	pressure float64 // s in which some task waited for a CPU
}

// files keeps /proc files open: reading again from offset 0 saves the path
// walk each time.
type files struct {
	stat     *os.File
	pressure *os.File // nil if the kernel has no pressure stall information
	buf      []byte
}

func openFiles() (*files, error) {
	stat, err := os.Open("/proc/stat")
	if err != nil {
		return nil, err
	}
	f := &files{stat: stat, buf: make([]byte, 4096)}
	if p, err := os.Open("/proc/pressure/cpu"); err == nil {
		f.pressure = p
	}
	return f, nil
}

func (f *files) close() {
	f.stat.Close()
	if f.pressure != nil {
		f.pressure.Close()
	}
}

func (f *files) read() counters {
	var c counters
	if n, err := f.stat.ReadAt(f.buf, 0); n > 0 && (err == nil || err == io.EOF) {
		c.busy, c.steal = parseStat(f.buf[:n])
	}
	if f.pressure != nil {
		if n, err := f.pressure.ReadAt(f.buf, 0); n > 0 && (err == nil || err == io.EOF) {
			c.pressure = parsePressure(f.buf[:n])
		}
	}
	return c
}

// tick is the unit of /proc/stat; USER_HZ is 100 on every platform that Go
// runs Linux on.
const tick = 0.01

// parseStat reads the first line of /proc/stat:
//
//	cpu user nice system idle iowait irq softirq steal guest guest_nice
//
// guest time is part of user time already. Old kernels have fewer columns.
func parseStat(b []byte) (busy, steal float64) {
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	fields := bytes.Fields(line)
	if len(fields) < 5 || string(fields[0]) != "cpu" {
		return 0, 0
	}
	for i, f := range fields[1:] {
		n, err := strconv.ParseUint(string(f), 10, 64)
		if err != nil {
			return 0, 0
		}
		switch i {
		case 0, 1, 2, 5, 6:
			busy += float64(n) * tick
		case 7:
			steal = float64(n) * tick
		}
	}
	return busy, steal
}

// parsePressure reads the total of the first line of /proc/pressure/cpu:
//
//	some avg10=0.00 avg60=0.05 avg300=0.30 total=9593315
func parsePressure(b []byte) float64 {
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	_, total, ok := bytes.Cut(line, []byte("total="))
	if !ok || !bytes.HasPrefix(line, []byte("some ")) {
		return 0
	}
	µs, err := strconv.ParseUint(string(total), 10, 64)
	if err != nil {
		return 0
	}
	return float64(µs) / 1e6
}
