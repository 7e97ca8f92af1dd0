package baseline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/baseline"
	"lensbench/record"
)

func save(t *testing.T, s baseline.Store, dir, name string) baseline.Saved {
	t.Helper()
	saved, err := s.Save(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func TestSaveAndList(t *testing.T) {
	store := baseline.Store{Dir: filepath.Join(t.TempDir(), "not", "yet")}
	if list, err := store.List(); err != nil || len(list) > 0 {
		t.Fatalf("a store that is not there: %v, %v", list, err)
	}
	runs := t.TempDir()
	run := planned("run1")
	dir := written(t, runs, run, journal(run, 1.25))
	judged(t, dir, run, 1.25)
	cut := planned("run0")
	cut.Started = cut.Started.Add(-1)
	save(t, store, dir, "nightly")
	save(t, store, written(t, runs, cut, journal(cut, 1)[:4]), "")

	list, err := store.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.Qualified()+" "+s.Run.ID)
		if s.Finished != (s.Run.ID == "run1") {
			t.Errorf("%s: finished is %v", s.Name, s.Finished)
		}
	}
	id := machine.ID()
	if want := id + "/run0 run0," + id + "/nightly run1"; strings.Join(got, ",") != want {
		t.Errorf("list is %v; want %v", got, want)
	}
	for _, name := range []string{record.RunFile, record.JournalFile, record.VerdictsFile} {
		same(t, filepath.Join(list[1].Dir, name), filepath.Join(dir, name))
	}
	if _, err := os.Stat(filepath.Join(list[1].Dir, baseline.ResultsFile)); err != nil {
		t.Error(err)
	}
}

func same(t *testing.T, a, b string) {
	t.Helper()
	x, err1 := os.ReadFile(a)
	y, err2 := os.ReadFile(b)
	if err1 != nil || err2 != nil || string(x) != string(y) {
		t.Errorf("%s and %s differ: %v, %v", a, b, err1, err2)
	}
}

// TestSaveNeverOverwrites leaves what is there as it is, and nothing else.
func TestSaveNeverOverwrites(t *testing.T) {
	store, runs := baseline.Store{Dir: t.TempDir()}, t.TempDir()
	one, two := planned("run1"), planned("run2")
	first := save(t, store, written(t, runs, one, journal(one, 1)), "nightly")
	_, err := store.Save(written(t, runs, two, journal(two, 2)), "nightly")
	if !errors.Is(err, baseline.ErrExists) || !strings.Contains(err.Error(), first.Dir) {
		t.Errorf("error is %v; want ErrExists that names %s", err, first.Dir)
	}
	if list, err := store.List(); err != nil || len(list) != 1 || list[0].Run.ID != "run1" {
		t.Errorf("the store holds %v, %v; want run1 alone", list, err)
	}
	left, err := os.ReadDir(filepath.Dir(first.Dir))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSaveErrors(t *testing.T) {
	runs := t.TempDir()
	run, idle := planned("run1"), planned("idle")
	dir := written(t, runs, run, journal(run, 1))
	nothing := written(t, runs, idle, journal(idle, 1)[:2])
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, record.RunFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ what, store, run, name, want string }{
		{"no run", t.TempDir(), filepath.Join(runs, "absent"), "x", filepath.Join(runs, "absent", record.RunFile)},
		{"broken run", t.TempDir(), broken, "x", filepath.Join(broken, record.RunFile) + ": unexpected end"},
		{"run without a block", t.TempDir(), nothing, "x", nothing + " has no finished block"},
		{"name that leaves the store", t.TempDir(), dir, "../x", `baseline name "../x"`},
		{"hidden name", t.TempDir(), dir, ".x", `baseline name ".x"`},
		{"store that is a file", file, dir, "x", file},
	} {
		_, err := baseline.Store{Dir: test.store}.Save(test.run, test.name)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v; want one with %q", test.what, err, test.want)
		}
	}
}

// TestListNamesBrokenBaselines and lists the others.
func TestListNamesBrokenBaselines(t *testing.T) {
	store := baseline.Store{Dir: t.TempDir()}
	run := planned("run1")
	save(t, store, written(t, t.TempDir(), run, journal(run, 1)), "good")
	bad := filepath.Join(store.Dir, "0", "bad", record.RunFile)
	if err := os.MkdirAll(filepath.Dir(bad), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bad, []byte(`{"schema": 99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	list, err := store.List()
	if len(list) != 1 || err == nil || !strings.Contains(err.Error(), bad+": schema 99") {
		t.Errorf("list is %v, error is %v; want one baseline and an error on %s", list, err, bad)
	}
}

func TestFind(t *testing.T) {
	store, runs := baseline.Store{Dir: filepath.Join(t.TempDir(), "odd [dir]*")}, t.TempDir()
	here, there := planned("here"), planned("there")
	there.Machine.CPUs = 64
	save(t, store, written(t, runs, here, journal(here, 1)), "nightly")
	save(t, store, written(t, runs, there, journal(there, 1)), "nightly")
	save(t, store, written(t, runs, planned("third"), journal(here, 1)), "only")
	for _, test := range []struct{ name, run, fails string }{
		{name: "only", run: "third"},
		{name: here.Machine.ID() + "/nightly", run: "here"},
		{name: there.Machine.ID() + "/nightly", run: "there"},
		{name: "nightly", fails: "2 machines have one"},
		{name: "absent", fails: "no such baseline: absent"},
		{name: "*", fails: "no such baseline"},
		{name: "../nightly", fails: "no such baseline"},
		{name: "00000000/nightly", fails: "no such baseline"},
	} {
		saved, err := store.Find(test.name)
		switch {
		case test.fails != "":
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%s: error is %v; want one with %q", test.name, err, test.fails)
			}
		case err != nil || saved.Run.ID != test.run:
			t.Errorf("%s: found %s, %v; want %s", test.name, saved.Run.ID, err, test.run)
		}
	}
}

func TestDefaultStore(t *testing.T) {
	t.Setenv("LENSBENCH_BASELINES", "")
	if got := baseline.DefaultStore().Dir; got != "baselines" {
		t.Errorf("default is %s; want baselines", got)
	}
	t.Setenv("LENSBENCH_BASELINES", "/srv/b")
	if got := baseline.DefaultStore().Dir; got != "/srv/b" {
		t.Errorf("default is %s; want /srv/b", got)
	}
}
