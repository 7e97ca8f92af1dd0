// Package usage reads what a process has used of the machine: processor time,
// memory and context switches. Linux only.
package usage

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// A Usage is what a process, or several, have used since they were started.
type Usage struct {
	CPU         float64 // s, user and system, all threads
	RSSPeak     int64   // bytes, highest resident set; of several processes the sum of their peaks, which need not coincide
	Voluntary   int64   // context switches by waiting
	Involuntary int64   // context switches by preemption
}

// Self returns the usage of this process, without its children.
func Self() (Usage, error) {
	u, err := Counters()
	if err == nil {
		u.RSSPeak, err = residentPeak()
	}
	return u, err
}

// Counters is Self without the peak, which costs most: for the beginning of an
// interval.
func Counters() (Usage, error) {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return Usage{}, fmt.Errorf("resource usage: %w", err)
	}
	return Usage{CPU: seconds(r.Utime) + seconds(r.Stime), Voluntary: r.Nvcsw, Involuntary: r.Nivcsw}, nil
}

// residentPeak is not taken from getrusage, which counts what the parent had at
// the time of the fork, nor with procfs, which reads all of the file's fifty
// values: this runs once a sample, in what a harness adds to it.
func residentPeak() (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte("\nVmHWM:"))
	number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" kB"))
	kib, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("VmHWM in /proc/self/status: %w", err)
	}
	return kib << 10, nil
}

// Resident returns the resident set of this process now, in bytes. It reads the
// shortest file that has it: a monitor does so after every step.
func Resident() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte(" "))
	number, _, _ := bytes.Cut(rest, []byte(" "))
	pages, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("resident pages in /proc/self/statm: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

func seconds(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// Plus returns the usage of both.
func (u Usage) Plus(v Usage) Usage {
	return Usage{u.CPU + v.CPU, u.RSSPeak + v.RSSPeak, u.Voluntary + v.Voluntary, u.Involuntary + v.Involuntary}
}

// Since returns what was used after before; the peak stays the peak so far.
func (u Usage) Since(before Usage) Usage {
	return Usage{u.CPU - before.CPU, u.RSSPeak, u.Voluntary - before.Voluntary, u.Involuntary - before.Involuntary}
}

// Age returns the time since this process was started, to the clock tick
// (10 ms).
func Age() (time.Duration, error) {
	p, err := procfs.Self()
	if err != nil {
		return 0, err
	}
	stat, err := p.Stat()
	if err != nil {
		return 0, err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, fmt.Errorf("time since boot: %w", err)
	}
	const tick = time.Second / 100 // USER_HZ, a constant of the kernel's interface
	return time.Duration(now.Nano()) - time.Duration(stat.Starttime)*tick, nil
}
