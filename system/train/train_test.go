package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lensbench/system/atomic"
	"lensbench/system/model"
	"lensbench/system/safetensors"
	"lensbench/system/step"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	torchtest.Main(m)
}

// someJob is a run of 3 epochs of 5 steps.
func someJob(dir string) Job {
	s := someSettings()
	s.Model, s.Input, s.Threads, s.Epochs, s.Batch = model.Tiny, 16, 1, 3, 8
	return Job{Dir: dir, Settings: s, Train: some(43, 1), Validation: some(18, 2), Workers: 1, Every: time.Hour}
}

func train(t *testing.T, j Job) *Result {
	t.Helper()
	r, err := Start(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameFiles fails unless two runs left the same, to the byte.
func sameFiles(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{LastName, BestName, trained.WeightsName, trained.ManifestName} {
		if !bytes.Equal(read(t, a, name), read(t, b, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestTrain(t *testing.T) {
	j := someJob(t.TempDir())
	j.About = trained.Manifest{Survey: "nowhere", BandNames: []string{"r"}, PixelScale: 0.2}
	r := train(t, j)
	if r.Ended != AllEpochs || r.Epochs != 3 || r.Steps != 15 || r.Validation.Images != 18 || r.Validation.Lenses != 9 {
		t.Errorf("the result is %+v", r)
	}
	n, err := trained.Open(j.Dir)
	if err != nil {
		t.Fatal(err)
	}
	m := n.Manifest
	if m.Model != model.Tiny || m.Pixels != 16 || m.Input != 16 || m.Bands != 1 || m.Survey != "nowhere" || m.PixelScale != 0.2 || len(m.Thresholds) != 4 {
		t.Errorf("the manifest is %+v", m)
	}
	places := readPlaces(t, filepath.Join(j.Dir, JournalName))
	want := []Place{{runLine, 0, 0}, {stepLine, 0, 5}, {epochLine, 1, 5}, {stepLine, 1, 10}, {epochLine, 2, 10},
		{stepLine, 2, 15}, {epochLine, 3, 15}, {endLine, 3, 15}}
	if d := differences(places, want); d != nil {
		t.Errorf("the journal has other lines: %v", d)
	}
	if _, err := Start(t.Context(), j); err == nil || !strings.Contains(err.Error(), "holds a trained network") {
		t.Errorf("a second run in its directory: %v", err)
	}
}

// The pictures are so easy that a few epochs suffice to tell them apart.
func TestTrainingLearns(t *testing.T) {
	j := someJob(t.TempDir())
	j.Settings.Epochs, j.Settings.Rate, j.Train = 30, 0.01, some(200, 1)
	r := train(t, j)
	if r.Validation.AUROC < 0.95 {
		t.Errorf("AUROC %.3f, want the classes told apart", r.Validation.AUROC)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	a, b := someJob(t.TempDir()), someJob(t.TempDir())
	b.Workers, b.Every = 3, 0 // do not matter
	train(t, a)
	train(t, b)
	sameFiles(t, a.Dir, b.Dir)
	c := someJob(t.TempDir())
	c.Settings.Seed++
	train(t, c)
	if bytes.Equal(read(t, a.Dir, trained.WeightsName), read(t, c.Dir, trained.WeightsName)) {
		t.Error("another seed gives the same weights")
	}
}

// interrupt cancels a run after some steps.
type interrupt struct {
	Watcher
	steps  int
	cancel func()
}

func (i *interrupt) Update(p Progress) {
	if i.steps--; i.steps == 0 {
		i.cancel()
	}
}

// A run that is interrupted after any step, or in validation, resumes to the
// bytes of an unbroken one, and its journal has every line once.
func TestInterruptedRunIsThatOfAnUnbrokenOne(t *testing.T) {
	whole := someJob(t.TempDir())
	whole.Settings.Sched = ScheduleSetting{Kind: Plateau, Factor: 0.5, Patience: 0} // which has a state
	train(t, whole)
	broken := whole
	broken.Dir = t.TempDir()
	for i, updates := range []int{3, 3, 1, 7} { // the second is in a validation
		ctx, cancel := context.WithCancel(t.Context())
		broken.Watch = &interrupt{Silence, updates, cancel}
		var err error
		if i == 0 {
			_, err = Start(ctx, broken)
		} else {
			_, err = Resume(ctx, broken, LastName)
		}
		if !errors.Is(err, ErrInterrupted) {
			t.Fatalf("interruption %d: %v", i, err)
		}
	}
	broken.Watch = nil
	if _, err := Resume(t.Context(), broken, LastName); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, whole.Dir, broken.Dir)
	count := map[Place]int{}
	for _, p := range readPlaces(t, filepath.Join(broken.Dir, JournalName)) {
		count[p]++
	}
	for _, p := range readPlaces(t, filepath.Join(whole.Dir, JournalName)) {
		if count[p] != 1 {
			t.Errorf("line %v is there %d times, want once", p, count[p])
		}
	}
}

// The last step of an epoch has the batches that are left.
func TestAccumulation(t *testing.T) {
	j := someJob(t.TempDir())
	j.Settings.Step.Accumulate = 2
	if r := train(t, j); r.Steps != 9 {
		t.Errorf("%d steps of 3 epochs, want 9: 5 batches are 2 + 2 + 1", r.Steps)
	}
}

// However a batch becomes gradients, a run that is interrupted goes on to the same
// bytes; in fp16 with the scale of the losses that it had found.
func TestInterruptedSteps(t *testing.T) {
	for _, s := range []step.Settings{
		{Accumulate: 2},
		{Precision: step.BF16, ChannelsLast: true},
		{Precision: step.FP16, Accumulate: 2, Checkpointing: "block"},
		{Multi: step.Multi{Scales: []int{16, 24}, Mode: step.PerScale, Consistency: 0.1}},
	} {
		whole := someJob(t.TempDir())
		whole.Settings.Step = s
		train(t, whole)
		broken := whole
		broken.Dir = t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		broken.Watch = &interrupt{Silence, 2, cancel}
		if _, err := Start(ctx, broken); !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
		broken.Watch = nil
		if _, err := Resume(t.Context(), broken, LastName); err != nil {
			t.Fatal(err)
		}
		sameFiles(t, whole.Dir, broken.Dir)
	}
}

// In fp16 steps whose gradients have overflowed are skipped and counted; the scale
// that was found is in the journal and in the checkpoint.
func TestSkippedSteps(t *testing.T) {
	j := someJob(t.TempDir())
	j.Settings.Step.Precision = step.FP16
	j.Settings.Rate = 1e-4
	train(t, j)
	state, err := Peek(filepath.Join(j.Dir, LastName))
	if err != nil {
		t.Fatal(err)
	}
	c := state.Scaler
	if c == nil || c.Scale != 65536/math.Pow(2, float64(c.Skipped)) {
		t.Fatalf("the checkpoint says %+v of a scale that began with 65536", c)
	}
	skipped := 0
	for _, line := range strings.Split(string(read(t, j.Dir, JournalName)), "\n") {
		var s StepLine
		if json.Unmarshal([]byte(line), &s) == nil && s.IsStep() {
			skipped += s.Skipped
		}
	}
	if skipped != c.Skipped {
		t.Errorf("%d steps were skipped, the journal has %d", c.Skipped, skipped)
	}
}

// Scales one after another: 3 epochs, 3 sides. A network that was trained at several
// is used at its input.
func TestScales(t *testing.T) {
	for _, mode := range []string{step.Progressive, step.PerScale} {
		j := someJob(t.TempDir())
		j.Settings.Step.Multi = step.Multi{Scales: []int{16, 24, 32}, Mode: mode}
		r := train(t, j)
		if n, err := trained.Open(r.Dir); err != nil || n.Manifest.Input != 16 {
			t.Errorf("%s: %+v, %v", mode, n, err)
		}
	}
}

func TestResumeErrors(t *testing.T) {
	j := someJob(t.TempDir())
	if _, err := Resume(t.Context(), j, LastName); err == nil || !strings.Contains(err.Error(), "is not there, so there is no run to go on with") {
		t.Errorf("resumed nothing: %v", err)
	}
	train(t, j)
	for _, c := range []struct {
		name   string
		change func(j *Job)
		want   string
	}{
		{"another rate", func(j *Job) { j.Settings.Rate = 0.5 }, "is of another run: rate is 0.001, not 0.5"},
		{"another model", func(j *Job) { j.Settings.Model = "resnet34" }, `model is "tiny", not "resnet34"`},
		{"other images", func(j *Job) { j.Train = some(43, 9) }, "data.train.digest is"},
		{"fewer images", func(j *Job) { j.Validation = some(16, 2) }, "data.validation.images is 18, not 16"},
		{"nothing", func(*Job) {}, "the run is complete: it is a trained network"},
	} {
		other := j
		c.change(&other)
		if _, err := Resume(t.Context(), other, LastName); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestStartErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(j *Job)
		want   string
	}{
		{"too few images", func(j *Job) { j.Settings.Batch = 64 }, "batch 64; there are only 43 training images"},
		{"no lenses", func(j *Job) { j.Validation = &pictures{bands: 1, side: 16, labels: make([]int, 8)} }, "none of the 8 images for validation is a lens"},
		{"unknown model", func(j *Job) { j.Settings.Model = "resnet19" }, `unknown model "resnet19"`},
		{"too small", func(j *Job) { j.Settings.Model = "vit_b_16" }, "vit_b_16: images of 16×16 pixels"},
		{"not a number", func(j *Job) { j.Settings.Rate = math.NaN() }, "rate NaN"},
	} {
		j := someJob(filepath.Join(t.TempDir(), "run"))
		c.change(&j)
		if _, err := Start(t.Context(), j); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if _, err := os.Stat(j.Dir); err == nil {
			t.Errorf("%s: something was written", c.name)
		}
	}
}

// A run that diverges ends with the steps, and its checkpoint is from before.
func TestDivergingRunEnds(t *testing.T) {
	j := someJob(t.TempDir())
	j.Settings.Rate, j.Settings.Clip = 100, 0
	j.Settings.Decay = 100 // weights become 9999 times larger, of the other sign, in each step
	j.Settings.Sched.Kind, j.Every = Constant, 0
	_, err := Start(t.Context(), j)
	var n *NonFinite
	if !errors.As(err, &n) || n.Count < 1 || n.Step < n.First || n.Step > n.Last {
		t.Fatal(err)
	}
	s, peek := Peek(filepath.Join(j.Dir, LastName))
	if peek != nil || s.Step >= n.Step {
		t.Errorf("the checkpoint is of step %d (%v), the loss diverged at %d", s.Step, peek, n.Step)
	}
	for _, want := range []string{"is intact, of step", "at step", "a lower rate"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// An image that cannot be read in the middle of an epoch ends the run with its
// error; the checkpoint stays.
func TestUnreadableImageEndsTheRun(t *testing.T) {
	j := someJob(t.TempDir())
	j.Train = &failing{pictures: some(100, 1), after: 64 + 20} // Identify reads 64
	_, err := Start(t.Context(), j)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "last.safetensors is intact, of its beginning") {
		t.Error(err)
	}
}

// A disk that is full when a checkpoint is saved ends the run; the checkpoint
// before stays, and the run goes on from it when there is room.
func TestFullDisk(t *testing.T) {
	whole := someJob(t.TempDir())
	train(t, whole)
	j := someJob(t.TempDir())
	written := 0
	j.write = func(path string, s *State, tensors []safetensors.Source) error {
		if written++; written == 3 { // after that of the beginning and that of the first epoch
			half := func(w io.Writer) error {
				w.Write(make([]byte, 1<<20))
				return unix.ENOSPC
			}
			return atomic.WriteFileSync(path, half)
		}
		return writeCheckpoint(path, s, tensors)
	}
	_, err := Start(t.Context(), j)
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	for _, want := range []string{"saving a checkpoint: " + j.Dir, "make room there, and --resume goes on", "last.safetensors is intact, of the end of epoch 1 of 3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
	j.write = nil
	if _, err := Resume(t.Context(), j, LastName); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, whole.Dir, j.Dir)
}

// failing are pictures that cannot be read any more after some readings.
type failing struct {
	*pictures
	after int
}

func (f *failing) Read(i int, dst []float32) error {
	if f.after--; f.after < 0 {
		return errBroken
	}
	return f.pictures.Read(i, dst)
}

var _ survey.Images = (*failing)(nil)

func TestEarlyStopping(t *testing.T) {
	j := someJob(t.TempDir())
	j.Settings.Epochs, j.Settings.Stop = 50, StopSetting{Patience: 1, MinDelta: 10} // no loss can be so much lower
	r := train(t, j)
	if r.Ended != NoBetter || r.Epochs != 2 {
		t.Errorf("ended %q after %d epochs, want %q after 2", r.Ended, r.Epochs, NoBetter)
	}
}

func TestInit(t *testing.T) {
	first := someJob(t.TempDir())
	first.Settings.Epochs = 1
	train(t, first)
	for _, name := range []string{trained.WeightsName, BestName} {
		j := someJob(t.TempDir())
		j.Settings.Epochs = 1
		j.Settings.Seed = 5
		j.Init = filepath.Join(first.Dir, name)
		var err error
		if j.Settings.Init, err = HashInit(j.Init); err != nil {
			t.Fatal(err)
		}
		train(t, j)
		j.Dir, j.Settings.Init = t.TempDir(), strings.Repeat("0", 64)
		if _, err := Start(t.Context(), j); err == nil || !strings.Contains(err.Error(), "it was changed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
