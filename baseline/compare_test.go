package baseline_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/baseline"
	"lensbench/record"
)

// A shelf holds runs and baselines for comparisons:
//
//	run1   judged: threads 1.25 times faster
//	run2   same machine, other kernel and batch, not judged
//	run3   another machine
//	saved  a baseline: run1
type shelf struct {
	baseline.Places
	bench string // run1 as a .bench file
}

func newShelf(t *testing.T) shelf {
	t.Helper()
	s := shelf{Places: baseline.Places{Runs: t.TempDir(), Store: baseline.Store{Dir: t.TempDir()}}}
	run1, run2, run3 := planned("run1"), planned("run2"), planned("run3")
	run2.Context.Kernel = "6.9.0"
	run2.Context.Load1 = 1.9
	run2.Cells[0].Arms[1].Settings.Batch = 4
	run3.Machine.CPUs, run3.Machine.GPU = 64, "H200"
	dir := written(t, s.Runs, run1, journal(run1, 1.25))
	judged(t, dir, run1, 1.25)
	written(t, s.Runs, run2, journal(run2, 1.5))
	written(t, s.Runs, run3, journal(run3, 3))
	save(t, s.Store, dir, "saved")
	s.bench = filepath.Join(t.TempDir(), "one.bench")
	if err := os.WriteFile(s.bench, []byte(export(t, run1, journal(run1, 1.25))), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s shelf) compare(t *testing.T, texts ...string) (*baseline.Comparison, error) {
	t.Helper()
	var operands []baseline.Operand
	for _, text := range texts {
		o, err := s.Open(text)
		if err != nil {
			return nil, err
		}
		operands = append(operands, o)
	}
	return baseline.Compare(operands...)
}

// TestStanding names the relation of every kind of operands and what is worth
// knowing about it.
func TestStanding(t *testing.T) {
	s := newShelf(t)
	for _, test := range []struct {
		a, b     string
		relation baseline.Relation
		facts    string // Machine, Context, Settings and Unpaired
	}{
		{"run1:sequential", "run1:threads", baseline.Together, "[] [] [] "},
		{"saved:sequential", "run1:threads", baseline.Together, "[] [] [] "},
		{"run2:sequential", "run2:threads", baseline.Together, "[] [] [] the run has not been judged"},
		{"run1", "run1", baseline.SameRun, "[] [] [] "},
		{"run1", "saved", baseline.SameRun, "[] [] [] "},
		{"run1", "run2", baseline.Apart, "[] [kernel 6.8.0, then 6.9.0 load 0.25, then 1.90]" +
			" [EnsembleParallel/pixels=112/arm=threads: batch 2, then 4] "},
		{"run1:threads", "run2:threads", baseline.Apart, "[] [kernel 6.8.0, then 6.9.0 load 0.25, then 1.90]" +
			" [EnsembleParallel/pixels=112/arm=threads: batch 2, then 4] "},
		{"run1:sequential", "run2:threads", baseline.Apart, "[] [kernel 6.8.0, then 6.9.0 load 0.25, then 1.90] [] "},
		{"run1", "run3", baseline.Incomparable, "[cpus 2, not 64 gpu none, not H200] [] [] "},
		{s.bench, "run2", baseline.Apart, "[] [] [] "},
		{s.bench, "run3", baseline.Incomparable, "[cpus 2, not 64 gpu none, not H200] [] [] "},
		{s.bench + ":threads", "run2:threads", baseline.Apart, "[] [] [] "},
		{filepath.Join(s.Runs, "run1"), "run1", baseline.SameRun, "[] [] [] "},
	} {
		c, err := s.compare(t, test.a, test.b)
		if err != nil {
			t.Errorf("%s %s: %v", test.a, test.b, err)
			continue
		}
		got := c.Against[0]
		facts := fmt.Sprint(got.Machine, got.Context, got.Settings, " ", got.Unpaired)
		if got.Relation != test.relation || facts != test.facts {
			t.Errorf("%s %s: relation %d, %s; want %d, %s", test.a, test.b, got.Relation, facts, test.relation, test.facts)
		}
	}
}

// TestPairedVerdict shows the run's statement for arms that ran together, and
// turns it round for arms named the other way round.
func TestPairedVerdict(t *testing.T) {
	s := newShelf(t)
	for _, test := range []struct{ a, b, want string }{
		{"run1:sequential", "run1:threads", "threads/sequential 1.250 [1.150, 1.350] faster 1.25 times"},
		{"run1:threads", "run1:sequential", "sequential/threads 0.800 [0.741, 0.870] slower "},
	} {
		c, err := s.compare(t, test.a, test.b)
		if err != nil {
			t.Fatal(err)
		}
		p := c.Against[0].Paired[0].Comparisons[0]
		got := fmt.Sprintf("%s/%s %.3f [%.3f, %.3f] %s %s", p.Variant, p.Control, p.Ratio, p.Low, p.High, p.Outcome, p.Reason)
		if got != test.want {
			t.Errorf("%s %s: %s; want %s", test.a, test.b, got, test.want)
		}
	}
}

// TestNoStatementOnThePair says what the run compared instead.
func TestNoStatementOnThePair(t *testing.T) {
	places := baseline.Places{Runs: t.TempDir()}
	run := planned("run")
	third := run.Cells[0].Arms[1]
	third.Name = "processes"
	run.Cells[0].Arms = append(run.Cells[0].Arms, third)
	dir := written(t, places.Runs, run, journal(run, 1.25))
	judged(t, dir, run, 1.25)
	c, err := shelf{Places: places}.compare(t, "run:threads", "run:processes")
	if err != nil {
		t.Fatal(err)
	}
	want := "the run compares its arms with sequential, not processes with threads"
	if got := c.Against[0].Unpaired; got != want {
		t.Errorf("reason is %q; want %q", got, want)
	}
}

// TestTableOfArms puts the arms' rows under one name.
func TestTableOfArms(t *testing.T) {
	c, err := newShelf(t).compare(t, "run1:sequential", "run1:threads")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.Tables.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "arms.txt", b.String())
}

// TestTableIsBenchstats compares stored runs and has the table that the command
// makes of the files in the store.
func TestTableIsBenchstats(t *testing.T) {
	s := newShelf(t)
	second := save(t, s.Store, filepath.Join(s.Runs, "run2"), "second")
	first, err := s.Store.Find("saved")
	if err != nil {
		t.Fatal(err)
	}
	want, err := exec.Command("go", "tool", "golang.org/x/perf/cmd/benchstat",
		"saved="+filepath.Join(first.Dir, baseline.ResultsFile), "second="+filepath.Join(second.Dir, baseline.ResultsFile)).Output()
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.compare(t, "saved", "second")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := c.Tables.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

func TestCompareErrors(t *testing.T) {
	s := newShelf(t)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	idle := planned("idle")
	written(t, s.Runs, idle, journal(idle, 1)[:2])
	for _, test := range []struct{ what, a, b, want string }{
		{"missing", "run1", "nope", "nope: no such file, run in " + s.Runs + ", or baseline in " + s.Store.Dir},
		{"missing with an arm", "run1:threads", "nope:threads", "nope: no such file"},
		{"arm of one side", "run1", "run1:threads", "name an arm of both, as in RUN:ARM, or of neither"},
		{"unknown arm", "run1:sequential", "run1:treads", "run1 has no results of arm treads, only of sequential, threads"},
		{"no results", "run1", file("empty.bench", ""), "empty.bench: no benchmark results"},
		{"run without results", "run1", "idle", "idle: no benchmark results"},
		{"arm of a broken file", "run1:threads", file("broken.bench", "BenchmarkA/arm=threads 1\n") + ":threads", "broken.bench:1: missing measurements"},
		{"directory of something else", "run1", s.Store.Dir, s.Store.Dir + " is not the directory of a run"},
		{"path out of the runs", "run1", "../" + filepath.Base(s.Runs) + "/run1", "no such file"},
	} {
		_, err := s.compare(t, test.a, test.b)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v; want one with %q", test.what, err, test.want)
		}
	}
	if _, err := s.Open("nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing operand is %v; want fs.ErrNotExist", err)
	}
}

// TestArmWithoutResults gives the reason that the run gives.
func TestArmWithoutResults(t *testing.T) {
	places := baseline.Places{Runs: t.TempDir()}
	run := planned("run")
	run.Cells[0].Arms = append(run.Cells[0].Arms, record.Arm{Name: "pytorch", Worker: "pytorch"})
	two := planned("run")
	dir := written(t, places.Runs, run, journal(two, 1.25))
	v := record.Verdicts{Cells: []record.CellVerdict{{Arms: []record.ArmSummary{{
		Arm: "pytorch", Status: record.Skipped, Reason: "no PyTorch; pip install torch==2.11.0",
	}}}}}
	if err := record.WriteVerdicts(dir, v); err != nil {
		t.Fatal(err)
	}
	_, err := places.Open("run:pytorch")
	want := "has no results: skipped: no PyTorch; pip install torch==2.11.0"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v; want one with %q", err, want)
	}
}
