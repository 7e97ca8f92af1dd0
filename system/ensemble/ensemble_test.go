package ensemble

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lensbench/system/loader"
	"lensbench/system/stretch"
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

// TestSchedulesAgree: every schedule computes the same logits, twice, whether
// images are decoded when they are wanted, ahead, or before. The tolerance is that of
// kernels split over another number of threads.
func TestSchedulesAgree(t *testing.T) {
	t.Run("different members", func(t *testing.T) {
		agree(t, []string{"light_transformer", "resnet18"}, Sequential, BatchMajor, Threads, Processes)
	})
	t.Run("equal members", func(t *testing.T) {
		agree(t, []string{"resnet18", "resnet18"}, Sequential, Processes, Threads, Stacked)
	})
}

func agree(t *testing.T, members []string, schedules ...Schedule) {
	const tolerance = 1e-5
	before := torch.LiveTensors()
	var want [][]float32
	t.Run("all", func(t *testing.T) {
		for i, schedule := range slices.Concat(schedules, schedules, schedules[:1]) {
			c := small(t, schedule)
			c.Members = members
			if ahead := i >= len(schedules); ahead {
				c.Workers, c.Prefetch = 2, 1
			}
			c.Resident = i == 2*len(schedules)
			e := open(t, c)
			for range 2 {
				got, err := e.Score()
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
				}
				if why := differ(got, want, tolerance); why != "" {
					t.Errorf("%s, %d workers: %s", schedule, c.Workers, why)
				}
				if got, err = e.Query(8, 4); err != nil { // images 3, 4, 0 and 1 of five
					t.Fatal(err)
				}
				if why := differ(got, row(want, 3, 4, 0, 1), tolerance); why != "" {
					t.Errorf("%s, query: %s", schedule, why)
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

// differ says where logits are not those that are wanted, "" if nowhere. The sums that
// small logits are made of are larger, and so are their roundings.
func differ(got, want [][]float32, tolerance float64) string {
	for m := range want {
		for i, w := range want[m] {
			if !(math.Abs(float64(got[m][i]-w)) <= tolerance*max(0.1, math.Abs(float64(w)))) {
				return fmt.Sprintf("logit of image %d by member %d is %v, want %v", i, m, got[m][i], w)
			}
		}
	}
	return ""
}

// row are the logits of these images.
func row(logits [][]float32, images ...int) (out [][]float32) {
	for _, all := range logits {
		var some []float32
		for _, i := range images {
			some = append(some, all[i])
		}
		out = append(out, some)
	}
	return out
}

// A counter counts how often images are read.
type counter struct {
	survey.Images
	reads atomic.Int64
}

func (c *counter) Read(i int, dst []float32) error {
	c.reads.Add(1)
	return c.Images.Read(i, dst)
}

// Member after member decodes every image as often as there are members; batch after
// batch once, ahead or not; resident images were decoded before.
func TestDecodedOnce(t *testing.T) {
	for _, tc := range []struct {
		schedule Schedule
		workers  int
		resident bool
		want     int64
	}{{Sequential, 0, false, 10}, {Sequential, 2, false, 10}, {BatchMajor, 0, false, 5}, {BatchMajor, 2, false, 5}, {BatchMajor, 0, true, 0}} {
		c := small(t, tc.schedule)
		c.Workers = tc.workers
		images, err := survey.OpenImages(c.Dir)
		if err != nil {
			t.Fatal(err)
		}
		all := &counter{Images: standardised{survey.First(images, c.Images), stretch.PerBand}}
		var served survey.Images = all
		if tc.resident {
			if served, err = resident(all); err != nil {
				t.Fatal(err)
			}
		}
		all.reads.Store(0)
		e := open(t, c)
		s, err := openStation(c, served, e.networks, 1)
		if err != nil {
			t.Fatal(err)
		}
		logits := [][]float32{make([]float32, 5), make([]float32, 5)}
		if err := s.score(logits); err != nil {
			t.Fatal(err)
		}
		if err := s.lane.Close(); err != nil {
			t.Fatal(err)
		}
		if n := all.reads.Load(); n != tc.want {
			t.Errorf("%s with %d workers, resident %v: %d images decoded, want %d", tc.schedule, tc.workers, tc.resident, n, tc.want)
		}
	}
}

// A swapped is images of which two have changed places, as if batches had been mixed up
// while they were read ahead.
type swapped struct{ survey.Images }

func (s swapped) Read(i int, dst []float32) error {
	if i < 2 {
		i = 1 - i
	}
	return s.Images.Read(i, dst)
}

// What the check of logits is for: the same logits in another order are not equal.
func TestMixedUpImagesAreFound(t *testing.T) {
	c := small(t, BatchMajor)
	e := open(t, c)
	want, err := e.Score()
	if err != nil {
		t.Fatal(err)
	}
	s := e.execution.(*station)
	right := s.loader
	defer func() { s.loader = right }()
	if s.loader, err = loader.New(swapped{s.images}, loader.Config{Batch: c.Batch}); err != nil {
		t.Fatal(err)
	}
	got, err := e.Score()
	if err != nil {
		t.Fatal(err)
	}
	if differ(got, want, 1e-5) == "" || differ(got[:1], want[:1], 1e-5) == "" {
		t.Error("nothing differs")
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
		"ensemble without members":                   func(c *Config) { c.Members = nil },
		`unknown model "resnet19"`:                   func(c *Config) { c.Members = []string{"resnet19"} },
		`unknown schedule "sideways", want one of`:   func(c *Config) { c.Schedule = "sideways" },
		"7 images to score, " + good.Dir + " has 6":  func(c *Config) { c.Images = 7 },
		"batches of 0 images":                        func(c *Config) { c.Batch = 0 },
		"-1 workers, 0 batches":                      func(c *Config) { c.Workers = -1 },
		"3 Monte-Carlo passes want an aggregate":     func(c *Config) { c.Passes = 3 },
		`unknown aggregate "sum"`:                    func(c *Config) { c.Aggregate = "sum" },
		"aggregate keep is for members that take":    func(c *Config) { c.Aggregate, c.Schedule = Keep, Threads },
		"aggregate stream of one logit":              func(c *Config) { c.Aggregate, c.Members = Stream, c.Members[:1] },
		"are stacked, not [light_transformer resnet": func(c *Config) { c.Schedule = Stacked },
		"vit_b_16 cannot be stacked":                 func(c *Config) { c.Schedule, c.Members = Stacked, []string{"vit_b_16", "vit_b_16"} },
		`unknown device "tpu", want cpu or cuda`:     func(c *Config) { c.Device = "tpu" },
		"schedule streams is for device cuda":        func(c *Config) { c.Schedule = Streams },
		"device cuda is for schedules sequential":    func(c *Config) { c.Device, c.Schedule = CUDA, Processes },
		`unknown placement "random"`:                 func(c *Config) { c.Placement = "random" },
		"-1 threads":                                 func(c *Config) { c.Threads = -1 },
		"no such file":                               func(c *Config) { c.Dir = "/nonexistent" },
		"no command that starts a member":            func(c *Config) { c.Schedule, c.Command = Processes, nil },
		"start /nonexistent":                         func(c *Config) { c.Schedule, c.Command = Processes, []string{"/nonexistent"} },
		"its process":                                func(c *Config) { c.Schedule, c.Command = Processes, []string{"false"} },
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

// TestOnDevices: where there are CUDA devices, members on them have the logits that
// they have on the CPU; where there are none, the error says so.
func TestOnDevices(t *testing.T) {
	want, err := open(t, small(t, Sequential)).Score()
	if err != nil {
		t.Fatal(err)
	}
	for _, schedule := range []Schedule{Sequential, BatchMajor, Threads, Streams} {
		c := small(t, schedule)
		c.Device, c.Placement = CUDA, Balanced
		e, err := Open(c)
		if errors.Is(err, torch.ErrNoDevice) {
			if !strings.Contains(err.Error(), "device cuda: no such device here: ") {
				t.Error(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Score()
		if why := differ(got, want, 1e-2); err != nil || why != "" { // cuDNN rounds the inputs of convolutions to TF32
			t.Errorf("%s: %s, %v", schedule, why, err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The CPU is one device, which has all weights.
func TestWeights(t *testing.T) {
	e := open(t, small(t, Sequential))
	sum := int64(0)
	for _, m := range e.Models() {
		sum += m.Params.Bytes()
	}
	if got := e.Weights(); !slices.Equal(got, []int64{sum}) {
		t.Errorf("weights %v, want %d", got, sum)
	}
}

// TestBrokenImage: the error of every schedule names the file.
func TestBrokenImage(t *testing.T) {
	for _, schedule := range schedules {
		c := small(t, schedule)
		if schedule == Streams {
			continue // needs a device
		}
		if schedule == Stacked {
			c.Members = []string{"resnet18", "resnet18"}
		}
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
	victim := e.execution.(processes)[1]
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
	for _, p := range e.execution.(processes) {
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
