package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A system is where the kernel's files are: the root directory, or one that a
// test made up.
type system struct{ root string }

// read returns a file's content without the white space around it, "" if there
// is none.
func (s system) read(path string) string {
	b, err := os.ReadFile(filepath.Join("/", s.root, path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// processor looks at what makes the speed of a core change by itself.
func processor(context.Context, Options) []Finding {
	s := system{}
	return []Finding{cores(runtime.NumCPU(), online(s), os.Environ()), s.turbo(), s.smt(), s.clock(), s.pressure(), s.instructions()}
}

// cores compares what this process may use with what is there, and with what
// the environment allows libtorch.
func cores(usable, all int, env []string) Finding {
	f := Finding{Fine, "cores", fmt.Sprintf("%d, all of the machine", usable), ""}
	if all > usable {
		f.Says = fmt.Sprintf("%d of the machine's %d; this process is bound to them", usable, all)
	}
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		if n, err := strconv.Atoi(value); (key == "OMP_NUM_THREADS" || key == "MKL_NUM_THREADS") && err == nil && n != usable {
			return Finding{Warning, "cores", fmt.Sprintf("%s, and %s gives libtorch %d where a scenario names no threads", f.Says, kv, n), "unset " + key}
		}
	}
	if usable == 1 {
		return Finding{Warning, "cores", "1; whatever else runs here takes it from the arm that is measured", "a second core makes samples quieter"}
	}
	return f
}

// online counts the machine's processors; 0 if the kernel does not say.
func online(s system) int {
	n := 0
	for part := range strings.SplitSeq(s.read("sys/devices/system/cpu/online"), ",") {
		first, last, ok := strings.Cut(part, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			continue
		}
		b := a
		if ok {
			b, _ = strconv.Atoi(last)
		}
		n += max(0, b-a+1)
	}
	return n
}

// turbo: a core that runs faster while others are idle, or while it is cool.
func (s system) turbo() Finding {
	intel, amd := s.read("sys/devices/system/cpu/intel_pstate/no_turbo"), s.read("sys/devices/system/cpu/cpufreq/boost")
	switch {
	case intel == "0":
		return Finding{Warning, "turbo", "on: clocks depend on temperature and on what other cores do", "as root: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"}
	case amd == "1":
		return Finding{Warning, "turbo", "on: clocks depend on temperature and on what other cores do", "as root: echo 0 > /sys/devices/system/cpu/cpufreq/boost"}
	case intel == "1" || amd == "0":
		return Finding{Fine, "turbo", "off", ""}
	}
	return Finding{Fine, "turbo", "not visible, as usual on a virtual machine", ""}
}

// smt: two threads that share a core share its speed.
func (s system) smt() Finding {
	switch s.read("sys/devices/system/cpu/smt/active") {
	case "1":
		return Finding{Warning, "SMT", "on: two threads share a core, and an arm with one thread is slower beside another",
			"as root: echo off > /sys/devices/system/cpu/smt/control; or give scenarios as many threads as there are cores"}
	case "0":
		return Finding{Fine, "SMT", "off", ""}
	}
	return Finding{Fine, "SMT", "not visible", ""}
}

// clock reads the frequency of the first core, if the kernel shows it.
func (s system) clock() Finding {
	now, err := strconv.Atoi(s.read("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")) // kHz
	if err != nil {
		return Finding{Missing, "clock", "not visible: no scaling_cur_freq, as usual on a virtual machine", ""}
	}
	most, _ := strconv.Atoi(s.read("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"))
	text := fmt.Sprintf("%.2f GHz now", float64(now)/1e6)
	if most > 0 {
		text += fmt.Sprintf(", %.2f at most", float64(most)/1e6)
	}
	if n, err := strconv.Atoi(s.read("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count")); err == nil && n > 0 {
		return Finding{Warning, "clock", fmt.Sprintf("%s; held down for its heat %d times since the start", text, n), "cool the machine, or lower its limit of power until it no longer happens"}
	}
	return Finding{Fine, "clock", text, ""}
}

// pressureShare is the share of the last minute in which some task waited.
const pressureShare = 0.1

// pressure is the kernel's own account of waiting for a processor.
func (s system) pressure() Finding {
	text := s.read("proc/pressure/cpu")
	_, rest, ok := strings.Cut(text, "avg60=")
	if !strings.HasPrefix(text, "some ") || !ok {
		return Finding{Missing, "pressure", "the kernel does not count it (no /proc/pressure/cpu); waiting tasks are not seen", "boot with psi=1"}
	}
	share, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		return Finding{Missing, "pressure", "/proc/pressure/cpu cannot be read", ""}
	}
	if share > 100*pressureShare {
		return Finding{Warning, "pressure", fmt.Sprintf("in %.0f %% of the last minute some task waited for a processor", share), "wait until the machine is quiet, or end what keeps it busy (load, above)"}
	}
	return Finding{Fine, "pressure", fmt.Sprintf("tasks waited in %.1f %% of the last minute", share), ""}
}

// instructions says whether the processor's counters can be read.
func (s system) instructions() Finding {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_HARDWARE, Config: unix.PERF_COUNT_HW_INSTRUCTIONS,
		Bits: unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv}
	attr.Size = uint32(unix.PERF_ATTR_SIZE_VER0)
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err == nil {
		unix.Close(fd)
		return Finding{Fine, "instructions", "can be counted", ""}
	}
	f := Finding{Missing, "instructions", fmt.Sprintf("cannot be counted: %v", err), ""}
	switch err {
	case unix.ENOENT, unix.EOPNOTSUPP, unix.ENODEV:
		f.Says = "cannot be counted: this machine shows no counters, as usual on a virtual machine"
	case unix.EACCES, unix.EPERM:
		f.Says = "cannot be counted: perf_event_paranoid is " + s.read("proc/sys/kernel/perf_event_paranoid")
		f.Fix = "as root: sysctl kernel.perf_event_paranoid=2; a container may need CAP_PERFMON"
	}
	return f
}
