package divergence

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lensbench/system/model"
	"lensbench/system/safetensors"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/train"
	"lensbench/system/trained"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// noise are images of 16×16 pixels, every second a lens, with a brighter corner.
type noise struct {
	n     int
	other bool // one pixel of the last image is another one
}

func (s noise) Len() int                        { return s.n }
func (noise) Shape() (bands, height, width int) { return 1, 16, 16 }
func (noise) Label(i int) int                   { return i % 2 }
func (noise) Name(i int) string                 { return string(rune('a' + i%26)) }
func (s noise) Read(i int, dst []float32) error {
	x := uint32(i + 1)
	for k := range dst {
		x = x*1664525 + 1013904223
		dst[k] = float32(x>>8)/(1<<24) - 0.5
	}
	dst[0] += float32(i % 2)
	if s.other && i == s.n-1 {
		dst[8*16+8] += 0.25 // in the middle: augmentation may shift the others out
	}
	return nil
}

var _ survey.Images = noise{}

// runOf trains a tiny network for two epochs of five steps.
func runOf(t *testing.T, change func(j *train.Job)) string {
	t.Helper()
	s := train.DefaultSettings
	s.Model, s.Input, s.Threads, s.Epochs, s.Batch, s.Stretch = model.Tiny, 16, 1, 2, 8, stretch.Linear
	j := train.Job{Dir: t.TempDir(), Settings: s, Train: noise{n: 40}, Validation: noise{n: 10}, Trace: true, Every: time.Hour}
	change(&j)
	if _, err := train.Start(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	return j.Dir
}

func compare(t *testing.T, a, b string) *Report {
	t.Helper()
	r, err := Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestEqualRuns(t *testing.T) {
	a, b := runOf(t, func(*train.Job) {}), runOf(t, func(*train.Job) {})
	r := compare(t, a, b)
	if !r.Equal() || !r.Traced || r.Steps != 10 || r.Weights != trained.WeightsName || r.Tensors == 0 || len(r.Settings) != 0 {
		t.Errorf("%+v", r)
	}
	if got := text(t, r); !strings.HasSuffix(got, "no difference\n") {
		t.Error(got)
	}
}

// What is different is found where it begins.
func TestFirstDifference(t *testing.T) {
	a := runOf(t, func(*train.Job) {})
	for _, c := range []struct {
		name   string
		change func(j *train.Job)
		step   int
		what   string
		says   string
	}{
		{"another rate", func(j *train.Job) { j.Settings.Rate *= 2 }, 1, Weight, "rate is 0.001, not 0.002"},
		{"another limit of the norm", func(j *train.Job) { j.Settings.Clip = 1e-3 }, 1, Weight, "clip is 1, not 0.001"},
		{"another seed", func(j *train.Job) { j.Settings.Seed = 5 }, 1, Loss, "seed is 1, not 5"},
		{"one image", func(j *train.Job) { j.Train = noise{n: 40, other: true} }, 0, Loss, "data.train.digest is"},
	} {
		r := compare(t, a, runOf(t, c.change))
		got := text(t, r)
		if r.First == nil || r.First.What != c.what || c.step != 0 && r.First.Step != c.step {
			t.Errorf("%s: first difference %+v, want the %s of step %d", c.name, r.First, c.what, c.step)
		}
		if (r.First != nil && r.First.Parameter == "") != (c.what == Loss) || r.Equal() || !strings.Contains(got, c.says) {
			t.Errorf("%s:\n%s", c.name, got)
		}
	}
}

// A gradient that was changed after an equal loss is named, and so is its step.
func TestChangedGradient(t *testing.T) {
	a, b := runOf(t, func(*train.Job) {}), runOf(t, func(*train.Job) {})
	rewrite(t, filepath.Join(b, train.TraceName), func(i int, line *train.TraceLine) {
		if line.Step >= 4 {
			line.Gradients[1]++
			line.Gradients[3]++
			line.Weights[0]++
		}
	})
	f := compare(t, a, b).First
	if f == nil || f.Step != 4 || f.What != Gradient || f.Others != 1 {
		t.Fatalf("%+v", f)
	}
	if names := parameters(t, a); f.Parameter != names[3] {
		t.Errorf("parameter %s, want %s, which the backward pass comes to first", f.Parameter, names[3])
	}
}

// Without traces, journals and weights say what they can.
func TestWithoutTraces(t *testing.T) {
	a := runOf(t, func(j *train.Job) { j.Trace = false })
	b := runOf(t, func(j *train.Job) { j.Settings.Rate *= 2 })
	r := compare(t, a, b)
	if r.Traced || r.First != nil || r.Journal == nil || r.Journal.After != 0 || r.Journal.Step != 5 || len(r.Different) == 0 {
		t.Fatalf("%+v", r)
	}
	for i, d := range r.Different {
		if i > 0 && d.Largest > r.Different[i-1].Largest || d.Values < 1 || d.Values > d.Of {
			t.Errorf("tensor %d: %+v", i, d)
		}
	}
}

func TestErrors(t *testing.T) {
	a, b := runOf(t, func(*train.Job) {}), runOf(t, func(*train.Job) {})
	if _, err := Compare(a, t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no directory of a training run") {
		t.Error(err)
	}
	path := filepath.Join(b, train.TraceName)
	os.WriteFile(path, []byte("{\"names\":[\"x\"]}\n"), 0o644)
	if _, err := Compare(a, b); err == nil || !strings.Contains(err.Error(), "other parameters") {
		t.Error(err)
	}
	os.WriteFile(path, []byte("{\n"), 0o644)
	if _, err := Compare(a, b); err == nil || !strings.Contains(err.Error(), path+":1:") {
		t.Error(err)
	}
}

func TestTensor(t *testing.T) {
	nan := float32(0) / zero
	for _, c := range []struct {
		x, y    []float32
		largest float64
		values  int
	}{
		{[]float32{1, 2}, []float32{1, 2}, 0, 0},
		{[]float32{1, 2, 3}, []float32{1, 2.5, 2}, 1, 2},
		{[]float32{nan}, []float32{nan}, 0, 0},
	} {
		if got := tensor("w", c.x, c.y); float64(got.Largest) != c.largest || got.Values != c.values || got.Of != len(c.x) {
			t.Errorf("%v and %v: %+v", c.x, c.y, got)
		}
	}
	if got := tensor("w", []float32{nan}, []float32{1}); got.Values != 1 || !(float64(got.Largest) > 1e300) {
		t.Errorf("not finite beside finite: %+v", got)
	}
}

var zero float32

func parameters(t *testing.T, dir string) []string {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(dir, trained.WeightsName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := openLines(filepath.Join(dir, train.TraceName))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var names train.TraceNames
	l.next(&names)
	for _, n := range names.Names {
		if _, ok := f.Lookup(n); !ok {
			t.Errorf("no parameter %s", n)
		}
	}
	return names.Names
}

// rewrite changes the lines of a trace about steps.
func rewrite(t *testing.T, path string, change func(i int, line *train.TraceLine)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
	for i, line := range lines[1:] {
		var l train.TraceLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		change(i, &l)
		changed, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		lines[i+1] = string(changed) + "\n"
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}
