package survey

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lensbench/system/npy"
	"lensbench/system/sky"
)

var small = Spec{Seed: 7, Count: 6, Pixels: 16}

func simulate(t testing.TB, spec Spec) *Set {
	t.Helper()
	s, err := Simulate(filepath.Join(t.TempDir(), "set"), spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSetIsWhatTheSpecSays(t *testing.T) {
	s := simulate(t, small)
	if s.Len() != 6 || s.Pixels() != 16 || s.Bands() != 3 {
		t.Fatalf("%d images of %d bands and %d pixels", s.Len(), s.Bands(), s.Pixels())
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	sim := sky.NewSimulator(mustPreset(t), 7, 16)
	got, want := make([]float32, sim.Len()), make([]float32, sim.Len())
	for _, i := range []int{4, 1} {
		if err := s.Read(i, got); err != nil {
			t.Fatal(err)
		}
		if o := sim.Image(i, want); !slices.Equal(got, want) || o.Label != s.Label(i) || s.Label(i) != i%2 {
			t.Errorf("image %d is not what the simulator makes", i)
		}
	}
}

func mustPreset(t *testing.T) sky.Preset {
	t.Helper()
	p, err := sky.PresetByName(DefaultPreset, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBytesDoNotDependOnWorkers(t *testing.T) {
	hashes := func(spec Spec) (h []string) {
		for _, e := range simulate(t, spec).Manifest().Images {
			h = append(h, e.SHA256)
		}
		return h
	}
	one := small
	one.Workers = 1
	want := hashes(one)
	for _, workers := range []int{2, 5, 64} {
		many := small
		many.Workers = workers
		if !slices.Equal(hashes(many), want) {
			t.Errorf("%d workers make other bytes than one", workers)
		}
	}
	longer := small
	longer.Count = 9
	if !slices.Equal(hashes(longer)[:6], want) {
		t.Error("the first images of a longer set differ")
	}
	other := small
	other.Seed++
	if hashes(other)[0] == want[0] {
		t.Error("another seed gives the same image")
	}
}

func TestEnsure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "er", "set")
	if _, made, err := Ensure(dir, small); err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	again := small
	again.Workers, again.Preset, again.Bands = 1, DefaultPreset, 3
	if _, made, err := Ensure(dir, again); err != nil || made {
		t.Errorf("the same spec again: made %v, %v", made, err)
	}
	more := small
	more.Count++
	if _, _, err := Ensure(dir, more); err == nil || !strings.Contains(err.Error(), "holds another data set (seed 7, count 6,") {
		t.Errorf("another spec: %v", err)
	}
	if _, err := Simulate(dir, small); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Simulate over a set: %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, fileName(3)), 100); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Ensure(dir, small); err == nil || !strings.Contains(err.Error(), "000003.npy has 100 bytes") {
		t.Errorf("a truncated file: %v", err)
	}
}

func TestEnsureAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, _, err := Ensure(dir, small)
			if err != nil || s.Verify() != nil {
				t.Errorf("one of eight at once: %v", err)
			}
		})
	}
	wg.Wait()
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAbandonedWorkplaceIsRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	live, err := newWorkplace(dir)
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(filepath.Dir(dir), ".set.partial-123")
	if err := os.MkdirAll(filepath.Join(dead, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Simulate(dir, small); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the workplace of a dead process is still there")
	}
	if _, err := os.Stat(live.dir); err != nil {
		t.Error("the workplace of a living process is gone")
	}
	live.discard()
}

func TestReadErrors(t *testing.T) {
	s := simulate(t, small)
	buf := make([]float32, 3*16*16)
	whole, err := os.ReadFile(s.path(0))
	if err != nil {
		t.Fatal(err)
	}
	nan := slices.Clone(buf)
	nan[256+16+3] = float32(math.NaN())
	inf := slices.Clone(buf)
	inf[0] = float32(math.Inf(-1))
	for _, tc := range []struct {
		name string
		put  func(path string) error
		want string
	}{
		{"truncated", func(p string) error { return os.WriteFile(p, whole[:len(whole)-4], 0o644) }, "truncated: shape (3, 16, 16) needs 3072 bytes of data, there are 3068"},
		{"empty", func(p string) error { return os.WriteFile(p, nil, 0o644) }, "truncated in the magic string"},
		{"gone", os.Remove, "no such file"},
		{"other shape", func(p string) error { return npy.WriteFile(p, []int{16, 16, 3}, buf) }, "shape (16, 16, 3), want (3, 16, 16)"},
		{"other size", func(p string) error { return npy.WriteFile(p, []int{1, 16, 16}, buf[:256]) }, "shape (1, 16, 16) has 256 elements, want 768"},
		{"other type", func(p string) error { return npy.WriteFile(p, []int{3, 16, 16}, make([]float64, 768)) }, `element type "<f8"`},
		{"not a number", func(p string) error { return npy.WriteFile(p, []int{3, 16, 16}, nan) }, "NaN in band 1, row 1, column 3"},
		{"infinite", func(p string) error { return npy.WriteFile(p, []int{3, 16, 16}, inf) }, "-Inf in band 0, row 0, column 0"},
	} {
		if err := tc.put(s.path(2)); err != nil {
			t.Fatal(err)
		}
		err := s.Read(2, buf)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "images/000002.npy") {
			t.Errorf("%s: %v, want the file's name and %q", tc.name, err, tc.want)
		}
	}
	if err := s.Verify(); err == nil || !strings.Contains(err.Error(), "000002.npy: SHA-256") {
		t.Errorf("Verify: %v", err)
	}
}

func TestSpecErrors(t *testing.T) {
	for _, tc := range []struct {
		spec Spec
		want string
	}{
		{Spec{Count: 0, Pixels: 64}, "count 0 is not between 1 and"},
		{Spec{Count: -1, Pixels: 64}, "count -1"},
		{Spec{Count: 1, Pixels: 7}, "pixels 7 is not between 8 and 4096"},
		{Spec{Count: 1, Pixels: 64, Bands: 4}, "preset lsst-y10 has 3 bands (g, r, i), not 4"},
		{Spec{Count: 1, Pixels: 64, Bands: -1}, "not -1"},
		{Spec{Count: 1, Pixels: 64, Preset: "lsst"}, `preset "lsst" is not known; did you mean "lsst-y10"? there is lsst-y10, des, euclid-vis, hst-f160w, hst-f814w, compat`},
		{Spec{Count: 1, Pixels: 64, Workers: -2}, "workers -2 is negative"},
	} {
		dir := filepath.Join(t.TempDir(), "x")
		if _, _, err := Ensure(dir, tc.spec); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.spec, err, tc.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v: something was made", tc.spec)
		}
	}
}

func TestUnwritable(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(parent, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Simulate(filepath.Join(parent, "set"), small); err == nil || !strings.Contains(err.Error(), parent) {
		t.Errorf("error %v does not name %s", err, parent)
	}
}

// A damaged manifest is an error, never a panic or a set that is not there.
func FuzzManifest(f *testing.F) {
	spec := small
	spec.Count, spec.Pixels = 2, 8
	b, err := os.ReadFile(filepath.Join(simulate(f, spec).Dir(), manifestName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":2}`))
	f.Add([]byte(`{"schema":1,"spec":{"count":3}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if m, err := parseManifest(in); err == nil && (len(m.Images) != m.Spec.Count || len(m.Bands) != m.Spec.Bands) {
			t.Errorf("accepted a manifest of %d images that lists %d", m.Spec.Count, len(m.Images))
		}
	})
}
