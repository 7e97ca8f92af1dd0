package ensemble

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lensbench/system/survey"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A test process whose environment has this variable is a member process.
const memberVariable = "LENSBENCH_TEST_MEMBER"

func TestMain(m *testing.M) {
	if os.Getenv(memberVariable) != "" {
		fmt.Println("a library that prints must not disturb the replies")
		if err := ServeMember(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	torchtest.Main(m)
}

// small is an ensemble of the fast networks on images that both must resize, in
// batches of which the last is not full.
func small(t testing.TB, schedule Schedule) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "set")
	if _, _, err := survey.Ensure(dir, survey.Spec{Seed: 1, Count: 6, Pixels: 48, Bands: 2}); err != nil {
		t.Fatal(err)
	}
	return Config{
		Members: []string{"light_transformer", "resnet18"}, Schedule: schedule, Dir: dir, Images: 5, Batch: 2, Threads: 2, Seed: 3,
		Command: []string{"env", memberVariable + "=1", self},
	}
}

func open(t testing.TB, c Config) *Ensemble {
	t.Helper()
	e, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestSchedulesAgree: every schedule computes the same logits, twice. The
// tolerance is that of kernels split over another number of threads.
func TestSchedulesAgree(t *testing.T) {
	const tolerance = 1e-5
	before := torch.LiveTensors()
	var want [][]float32
	t.Run("all", func(t *testing.T) {
		for _, schedule := range schedules {
			e := open(t, small(t, schedule))
			for range 2 {
				got, err := e.Score()
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
				}
				for m := range want {
					for i, w := range want[m] {
						if !(math.Abs(float64(got[m][i]-w)) <= tolerance*math.Abs(float64(w))) {
							t.Errorf("%s: logit of image %d by member %d is %v, sequential %v", schedule, i, m, got[m][i], w)
						}
					}
				}
			}
			if schedule == Sequential || schedule == BatchMajor {
				if e.Threads() != 2 {
					t.Errorf("%s: %d threads, want 2", schedule, e.Threads())
				}
			}
		}
	})
	if n := torch.LiveTensors() - before; n != 0 {
		t.Errorf("%d tensors left", n)
	}
	if slices.Equal(want[0], want[1]) || slices.Equal(want[0][:2], want[0][2:4]) {
		t.Errorf("members or images do not differ: %v", want)
	}
}

func TestShare(t *testing.T) {
	cases := []struct {
		threads int
		costs   []float64
		want    []int
	}{
		{1, []float64{1, 17, 2}, []int{1, 1, 1}},
		{2, []float64{1, 17, 2}, []int{1, 2, 1}},
		{3, []float64{1, 17, 2}, []int{1, 1, 1}},
		{8, []float64{1, 17, 2}, []int{1, 6, 1}},
		{16, []float64{1, 17, 2}, []int{1, 13, 2}},
		{4, []float64{1, 1}, []int{2, 2}},
		{5, []float64{1, 1}, []int{2, 3}},
		{64, []float64{1, 1, 1}, []int{22, 21, 21}},
	}
	for _, c := range cases {
		got := share(c.threads, c.costs)
		if !slices.Equal(got, c.want) {
			t.Errorf("%d threads for costs %v: %v, want %v", c.threads, c.costs, got, c.want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	good := small(t, Sequential)
	for want, change := range map[string]func(c *Config){
		"ensemble without members":                  func(c *Config) { c.Members = nil },
		`unknown model "resnet19"`:                  func(c *Config) { c.Members = []string{"resnet19"} },
		`unknown schedule "sideways", want one of`:  func(c *Config) { c.Schedule = "sideways" },
		"7 images to score, " + good.Dir + " has 6": func(c *Config) { c.Images = 7 },
		"batches of 0 images":                       func(c *Config) { c.Batch = 0 },
		"-1 threads":                                func(c *Config) { c.Threads = -1 },
		"no such file":                              func(c *Config) { c.Dir = "/nonexistent" },
		"no command that starts a member":           func(c *Config) { c.Schedule, c.Command = Processes, nil },
		"start /nonexistent":                        func(c *Config) { c.Schedule, c.Command = Processes, []string{"/nonexistent"} },
		"its process":                               func(c *Config) { c.Schedule, c.Command = Processes, []string{"false"} },
	} {
		c := good
		change(&c)
		if e, err := Open(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
			if err == nil {
				e.Close()
			}
		}
	}
}

// TestBrokenImage: the error of every schedule names the file.
func TestBrokenImage(t *testing.T) {
	for _, schedule := range schedules {
		c := small(t, schedule)
		e := open(t, c)
		file := filepath.Join(c.Dir, "images", "000003.npy")
		if err := os.Truncate(file, 1000); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Score(); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names %s", schedule, err, file)
		}
	}
}

// TestMemberDies: the error names the member, and closing still works.
func TestMemberDies(t *testing.T) {
	e := open(t, small(t, Processes))
	if used, _, err := e.Children(); err != nil || used.CPU <= 0 || used.RSSPeak < 1<<20 {
		t.Errorf("children used %+v, %v", used, err)
	}
	victim := e.plan.(processes)[1]
	if err := victim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Score(); err == nil || !strings.Contains(err.Error(), "member resnet18: its process") || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("got %v", err)
	}
}

// TestMemoryOfProcesses: members count the bytes of their tensors.
func TestMemoryOfProcesses(t *testing.T) {
	c := small(t, Processes)
	c.CountMemory = true
	e := open(t, c)
	if err := e.ResetPeaks(); err != nil {
		t.Fatal(err)
	}
	_, before, err := e.Children()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Score(); err != nil {
		t.Fatal(err)
	}
	_, after, err := e.Children()
	if err != nil {
		t.Fatal(err)
	}
	weights := int64(0)
	for _, m := range e.Models() {
		weights += m.Params.Bytes()
	}
	idle, busy := before.All.Total(), after.All.Total()
	if w := after.All[torch.Weights]; w != weights || after.Activations == 0 {
		t.Errorf("%d bytes of weights at the peak, want %d; %d of activations", w, weights, after.Activations)
	}
	if idle < weights || idle > weights+weights/10 || busy <= idle {
		t.Errorf("peak %d idle, %d busy; weights are %d", idle, busy, weights)
	}
}

// TestClosedPipeEnds: a member process ends when its requests do.
func TestClosedPipeEnds(t *testing.T) {
	e := open(t, small(t, Processes))
	for _, p := range e.plan.(processes) {
		p.in.Close()
		select {
		case <-p.exited:
			if !p.cmd.ProcessState.Success() {
				t.Errorf("member %s: %v", p.name, p.cmd.ProcessState)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("member %s goes on without its parent", p.name)
		}
		if err := p.cmd.Process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("member %s: %v", p.name, err)
		}
	}
}
