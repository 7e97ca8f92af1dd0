package telemetry

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// taskClock is counted by the kernel itself, in nanoseconds, on every machine:
// with it the tree is tested where there is no counter of instructions.
var taskClock = event{unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_TASK_CLOCK}

// A group's count is its CPU time, and nobody else's.
func TestACounterCountsItsGroupAlone(t *testing.T) {
	group, burn := burner(t)
	c, err := count(taskClock, group)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	cpu := readClock(cpuClock(group))
	for range 1_000_000 { // somebody else
		runtime.KeepAlive(math.Sqrt(2))
	}
	burn()
	after, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	used := readClock(cpuClock(group)) - cpu
	if got := float64(after-before) * 1e-9; math.Abs(got-used) > 0.05*used+0.002 {
		t.Errorf("counted %v s; the group used %v s", got, used)
	}
}

func TestAGroupThatIsNotThere(t *testing.T) {
	if _, err := count(taskClock, 1<<30); err == nil {
		t.Error("counts nobody")
	}
}

// TestAbsentHasReasons is about this machine, whatever it has.
func TestAbsentHasReasons(t *testing.T) {
	for what, why := range Absent() {
		if len(why) < 20 {
			t.Errorf("%s is absent because of %q", what, why)
		}
	}
	if err := ProbeInstructions(); (err != nil) != (Absent()["instructions"] != "") {
		t.Errorf("probed: %v; absent: %v", err, Absent())
	}
}

func TestMeanClock(t *testing.T) {
	root := t.TempDir()
	for cpu, kHz := range map[string]string{"cpu0": "2000000\n", "cpu1": "3000000\n", "cpu2": "<unknown>\n"} {
		dir := filepath.Join(root, "sys/devices/system/cpu", cpu, "cpufreq")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "scaling_cur_freq"), []byte(kHz), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := meanMHz(frequencies(root)); got != 2500 {
		t.Errorf("%v MHz; want 2500", got)
	}
	if got := meanMHz(frequencies(t.TempDir())); got != 0 {
		t.Errorf("%v MHz of a machine that shows none", got)
	}
}
