package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEmbedded: the shipped scenarios are good, and the quick suite holds the
// four of the first light.
func TestEmbedded(t *testing.T) {
	all, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	quick, err := InSuite(all, "quick")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"calibration", "ensemble-parallel", "harness-null", "peer-inference"}
	if got := Names(quick); !slices.Equal(got, want) {
		t.Errorf("suite quick is %v, want %v", got, want)
	}
	ids := make(map[string]string)
	for _, s := range all {
		if len(s.Suites) == 0 && s.Name != "calibration-step" { // for bench calibrate alone
			t.Errorf("%s is in no suite", s.Name)
		}
		for _, c := range Expand(s) {
			if other, again := ids[c.ID]; again {
				t.Errorf("%s and %s have the cell %s", s.Name, other, c.ID)
			}
			ids[c.ID] = s.Name
		}
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLoad: files and directories, and what is wrong with them.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "a", "minimal.yaml"), minimal)
	b := write(t, filepath.Join(dir, "b", "minimal.yml"), minimal)
	write(t, filepath.Join(dir, "b", "notes.txt"), "not a scenario")
	bad := write(t, filepath.Join(dir, "bad", "minimal.yaml"), strings.Replace(minimal, "title", "titel", 1))
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		paths []string
		want  []string // names, or
		err   string   // part of the error
	}{
		{"a file", []string{a}, []string{"minimal"}, ""},
		{"a directory", []string{filepath.Dir(b)}, []string{"minimal"}, ""},
		{"the same name twice", []string{a, b}, nil, b + `:1:7: "minimal": a second scenario of this name; the first is ` + a},
		{"problems of several files", []string{bad, bad}, nil, bad + `:2:1: "titel": not a key`},
		{"no such file", []string{filepath.Join(dir, "none.yaml")}, nil, filepath.Join(dir, "none.yaml") + ": no such file or directory"},
		{"an empty directory", []string{empty}, nil, empty + ": no scenario files (*.yaml) in this directory"},
		{"a device", []string{"/dev/null"}, nil, "/dev/null: not a regular file"},
	} {
		got, err := Load(c.paths...)
		switch {
		case c.err == "" && (err != nil || !slices.Equal(Names(got), c.want)):
			t.Errorf("%s: %v, %v; want %v", c.name, Names(got), err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v; want %q", c.name, err, c.err)
		}
	}
}

func TestSelect(t *testing.T) {
	all, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Select(all, "peer-inference", "calibration", "peer-inference")
	if want := []string{"peer-inference", "calibration"}; err != nil || !slices.Equal(Names(got), want) {
		t.Errorf("%v, %v; want %v", Names(got), err, want)
	}
	_, err = Select(all, "calibrate")
	if want := `"calibrate": no such scenario; want one of ` + strings.Join(Names(all), ", ") + `; did you mean "calibration"?`; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
	_, err = InSuite(all, "quik")
	if want := `"quik": no such suite; want one of quick, nightly, full, peer; did you mean "quick"?`; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}
