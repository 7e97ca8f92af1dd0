package telemetry

import (
	"bufio"
	"math"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestProcStat(t *testing.T) {
	for _, tt := range []struct {
		name        string
		text        string
		busy, steal float64
	}{
		{"this kernel's", "cpu  22024 5 9811 229316 848 3 204 171 7 1\ncpu0 1 1 1 1\n", 320.47, 1.71},
		{"before steal was counted", "cpu  100 0 50 1000\n", 1.5, 0},
		{"cut", "cpu  100", 0, 0},
		{"of one core", "cpu0 100 0 50 1000 0 0 0 3\n", 0, 0},
		{"not numbers", "cpu  a b c d e f g h\n", 0, 0},
		{"empty", "", 0, 0},
	} {
		busy, steal := parseStat([]byte(tt.text))
		if math.Abs(busy-tt.busy) > 1e-9 || steal != tt.steal {
			t.Errorf("%s: busy %v, steal %v; want %v, %v", tt.name, busy, steal, tt.busy, tt.steal)
		}
	}
}

func TestProcPressure(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       float64
	}{
		{"some and full", "some avg10=0.00 avg60=0.05 avg300=0.30 total=9593315\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 9.593315},
		{"full first", "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 0},
		{"no total", "some avg10=0.00\n", 0},
		{"not a number", "some total=x\n", 0},
		{"empty", "", 0},
	} {
		if got := parsePressure([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("cpu  22024 5 9811 229316 848 3 204 171 7 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		busy, steal := parseStat(b)
		if !(busy >= 0) || !(steal >= 0) {
			t.Errorf("busy %v, steal %v of %q", busy, steal, b)
		}
		if p := parsePressure(b); !(p >= 0) {
			t.Errorf("pressure %v of %q", p, b)
		}
	})
}

// burner is a process that waits until it is told to count, and says when it
// is done.
func burner(t *testing.T) (group int, burn func()) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `read -r _; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; read -r _`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd.Process.Pid, func() {
		if _, err := in.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

// A process's CPU time counts as the sample's own or as others', by its group.
func TestCPUTimeIsToldApart(t *testing.T) {
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	group, burn := burner(t)
	if err := h.Refresh(); err != nil {
		t.Fatal(err)
	}
	used := readClock(cpuClock(group))
	h.Before()
	burn()
	got := h.After(os.Getpid()) // some other sample
	used = readClock(cpuClock(group)) - used
	if used <= 0 || got.Others < 0.99*used {
		t.Errorf("others used %v s; the burner alone used %v s", got.Others, used)
	}

	group, burn = burner(t)
	if err := h.Refresh(); err != nil {
		t.Fatal(err)
	}
	before := cpuOf(h.processes, group)
	h.Before()
	burn()
	h.After(group)
	if used := cpuOf(h.processes, group) - before; used <= 0 {
		t.Errorf("the sample's own process used %v s", used)
	}
}

func cpuOf(ps []process, pid int) float64 {
	for _, p := range ps {
		if p.pid == pid {
			return p.cpu
		}
	}
	return math.NaN()
}

func TestAProcessThatIsGoneUsesNothing(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	p := process{clock: cpuClock(cmd.Process.Pid), cpu: 5}
	if d := p.advance(); d != 0 {
		t.Errorf("it used %v s", d)
	}
}

func TestThisProcessIsNotAmongTheOthers(t *testing.T) {
	ps, err := listProcesses()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if p.pid == os.Getpid() {
			t.Error("listed")
		}
	}
}

func TestMemoryIsKnown(t *testing.T) {
	if n, ok := AvailableMemory(); !ok || n <= 0 {
		t.Errorf("available memory: %d, %v", n, ok)
	}
	if n := Kills(); n < 0 {
		t.Errorf("%d kills", n)
	}
}

// What one sample costs, outside its timed window: to be small beside the 2 ms
// pause that precedes each.
func BenchmarkSample(b *testing.B) {
	h, err := Open()
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	if err := h.Refresh(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h.Before()
		h.After(0)
	}
	b.ReportMetric(float64(len(h.processes)), "processes")
}

func BenchmarkRefresh(b *testing.B) {
	h, err := Open()
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	for b.Loop() {
		if err := h.Refresh(); err != nil {
			b.Fatal(err)
		}
	}
}
