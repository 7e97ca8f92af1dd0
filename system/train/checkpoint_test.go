package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/system/safetensors"
)

// someState is that of a run in its third epoch.
func someState() State {
	s := State{Schema: StateSchema, Settings: DefaultSettings, Epoch: 2, Batch: 7, Step: 27, Machine: Machine{"2.11.0", "AVX2"}}
	s.Settings.Model, s.Settings.Input, s.Settings.Threads = "resnet18", 64, 2
	s.Data = Data{Bands: 3, Pixels: 64, Train: Identity{640, 320, "aa"}, Validation: Identity{64, 32, "bb"}}
	loss := 0.1 + 0.2 // has no short decimal form
	s.Sums.add(64, loss, 1.5, 1)
	s.Stop = stopState{&loss, 1}
	s.Best = &Best{1, loss}
	return s
}

func someTensors() []safetensors.Source {
	return []safetensors.Source{
		{Name: "head.1.weight", DType: safetensors.F32, Shape: []int{2}, Float: func(dst []float32) error { copy(dst, []float32{1, 2}); return nil }},
		{Name: rngName, DType: safetensors.U8, Shape: []int{3}, Bytes: []uint8{1, 2, 3}},
	}
}

func writeSome(t *testing.T, path string, s State) {
	t.Helper()
	if err := writeCheckpoint(path, &s, someTensors()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), LastName)
	want := someState()
	writeSome(t, path, want)
	c, err := openCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if d := differences(c.State, want); d != nil {
		t.Errorf("the state came back with differences: %v", d)
	}
	if *c.State.Stop.Best != *want.Stop.Best {
		t.Errorf("a sum came back as %v, was %v", *c.State.Stop.Best, *want.Stop.Best)
	}
}

func TestDamagedCheckpoints(t *testing.T) {
	for _, c := range []struct {
		name, file string
		best       bool // there is a good one beside it
		damage     func(b []byte) []byte
		want       []string
	}{
		{"cut short", LastName, true, func(b []byte) []byte { return b[:len(b)-2] },
			[]string{"truncated", "best.safetensors is of the end of epoch 2 of 20, and --from best goes on from it"}},
		{"cut short, alone", LastName, false, func(b []byte) []byte { return b[:len(b)-2] },
			[]string{"truncated", "there is no other checkpoint to go on from"}},
		{"a weight changed", LastName, true, func(b []byte) []byte { b[len(b)-1]++; return b },
			[]string{"its content was changed", "--from best"}},
		{"the state changed", LastName, true, func(b []byte) []byte { return []byte(strings.Replace(string(b), `"batch\":64`, `"batch\":32`, 1)) },
			[]string{"its content was changed"}},
		{"empty", LastName, true, func([]byte) []byte { return nil }, []string{"too short", "--from best"}},
		{"best cut short", BestName, false, func(b []byte) []byte { return b[:100] }, []string{"truncated in the header"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.file)
			writeSome(t, path, someState())
			if c.best {
				s := someState()
				s.Batch = 0
				writeSome(t, filepath.Join(dir, BestName), s)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.damage(b), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = openCheckpoint(path)
			for _, want := range append(c.want, path) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %q in it", err, want)
				}
			}
		})
	}
}

func TestFilesThatAreNoCheckpoints(t *testing.T) {
	for _, c := range []struct {
		name     string
		metadata map[string]string
		want     string
	}{
		{"weights", map[string]string{"format": "pt"}, "holds weights, but not the state of a training run; --init begins a run with them"},
		{"another schema", map[string]string{stateKey: `{"schema": 9}`}, "state of schema 9, this program reads 1"},
		{"no JSON", map[string]string{stateKey: `{`}, "state of the run: unexpected end"},
		{"another key", map[string]string{stateKey: `{"schema": 1, "steps": 3}`}, `unknown field "steps"`},
		{"settings out of range", map[string]string{stateKey: `{"schema": 1, "settings": {"input": 64, "threads": 2, "epochs": -1}}`}, "epochs -1; want 1 to 100000"},
	} {
		path := filepath.Join(t.TempDir(), LastName)
		if err := safetensors.WriteSealedFile(path, c.metadata, someTensors()); err != nil {
			t.Fatal(err)
		}
		if _, err := openCheckpoint(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAnotherRunIsNamed(t *testing.T) {
	s := someState()
	for _, c := range []struct {
		change func(*Settings, *Data)
		want   string
	}{
		{func(s *Settings, _ *Data) { s.Model = "resnet34" }, `is of another run: model is "resnet18", not "resnet34"`},
		{func(s *Settings, _ *Data) { s.Batch, s.Sched.Kind = 32, Plateau }, `batch is 64, not 32; schedule.kind is "cosine", not "plateau"`},
		{func(s *Settings, _ *Data) { s.Augment.Noise = 1 }, `augment.noise is not set, not 1`},
		{func(_ *Settings, d *Data) { d.Train.Digest = "cc" }, `data.train.digest is "aa", not "cc"`},
		{func(*Settings, *Data) {}, ""},
	} {
		settings, data := s.Settings, s.Data
		c.change(&settings, &data)
		text := ""
		if err := s.sameRun(settings, data); err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, c.want) || c.want == "" && text != "" {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}

// The second name of a file keeps what it holds when the first name is used
// again.
func TestShare(t *testing.T) {
	dir := t.TempDir()
	last, best := filepath.Join(dir, LastName), filepath.Join(dir, BestName)
	first, second := someState(), someState()
	second.Step++
	writeSome(t, best, first)
	for range 2 { // the second time they are one file already
		if err := share(best, last); err != nil {
			t.Fatal(err)
		}
	}
	writeSome(t, last, second)
	a, err := Peek(best)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Peek(last)
	if err != nil {
		t.Fatal(err)
	}
	if a.Step != first.Step || b.Step != second.Step {
		t.Errorf("steps %d and %d, want %d and %d", a.Step, b.Step, first.Step, second.Step)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%d files left, want 2", len(files))
	}
}

// FuzzState: whatever is in the metadata of a sealed file, reading it returns an
// error or a state that can be written and read again.
func FuzzState(f *testing.F) {
	s := someState()
	f.Add(string(mustJSON(s)))
	f.Add(`{"schema":1}`)
	f.Add(`{"schema":1,"settings":{"rate":1e999}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readState(&safetensors.File{Metadata: map[string]string{stateKey: text}})
		if err != nil {
			return
		}
		again, err := readState(&safetensors.File{Metadata: map[string]string{stateKey: string(mustJSON(got))}})
		if err != nil || differences(got, again) != nil {
			t.Errorf("%v, %v", err, differences(got, again))
		}
	})
}
