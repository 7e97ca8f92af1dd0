package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
	"lensbench/runner/progress"
)

// twoCells are 12 blocks of some milliseconds; the second has memory passes, and both
// have profiles.
func twoCells() []record.Cell {
	cells := []record.Cell{smallCell("c1", 3), smallCell("c2", 2)}
	cells[0].Profile, cells[1].Profile = true, true
	cells[1].Measure = append(cells[1].Measure, record.MemoryPeak)
	return cells
}

// wantEachOnce says that a finished run has every block, memory pass and
// comparison of outputs of its cells exactly once, however it came about.
func wantEachOnce(t *testing.T, dir string, cells []record.Cell) {
	t.Helper()
	entries, _, err := record.ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range entries {
		switch e.Kind {
		case record.KindBlock:
			seen[fmt.Sprintf("%s: block %d.%d of %d arms", e.Cell, e.Block.Restart, e.Block.Block, len(e.Block.Samples))]++
		case record.KindMemory:
			seen[fmt.Sprintf("%s: memory %d of %s", e.Cell, e.Memory.Restart, e.Memory.Arm)]++
		case record.KindProfile:
			seen[fmt.Sprintf("%s: profile of %s: %s", e.Cell, e.Profile.Arm, e.Profile.Status)]++
		case record.KindEnd:
			seen["end"]++
		case record.KindStatus:
			t.Errorf("an arm ended: %+v", *e.Status)
		}
	}
	want := map[string]int{"end": 1}
	for _, c := range cells {
		for r := range c.Plan.Restarts {
			for b := range c.Plan.Blocks {
				want[fmt.Sprintf("%s: block %d.%d of %d arms", c.ID, r, b, len(c.Arms))] = 1
			}
		}
		for _, a := range c.Arms {
			if c.Profile {
				want[fmt.Sprintf("%s: profile of %s: ok", c.ID, a.Name)] = 1
			}
		}
		for r := range memoryRestarts {
			for _, a := range c.Arms {
				if !countsMemory(c) {
					continue
				}
				want[fmt.Sprintf("%s: memory %d of %s", c.ID, r, a.Name)] = 1
			}
		}
	}
	for what, n := range want {
		if seen[what] != n {
			t.Errorf("%s: %d times; want %d", what, seen[what], n)
		}
	}
	for what, n := range seen {
		if want[what] == 0 {
			t.Errorf("%s: %d times; want none", what, n)
		}
	}
}

// The harness is killed as kill -9 does, again and again at random moments,
// until it gets to the end. One arm has children.
func TestAKilledRunIsResumedUntilItIsComplete(t *testing.T) {
	tmp := t.TempDir()
	h := harness{Cells: twoCells(), Runs: filepath.Join(tmp, "runs"), Script: fakeworker.Script{
		Faults: []fakeworker.Fault{{Do: "child", At: protocol.OpPrepare, Seed: 2}}}}
	cmd := h.start(t, tmp)
	h.Resume = theRun(t, h.Runs)
	id := filepath.Base(h.Resume)
	for round := 0; ; round++ {
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		before := blocksOf(t, h.Resume)
		pause := time.Duration(rand.IntN(300)) * time.Millisecond
		if round > 20 {
			pause = time.Minute // long enough
		}
		select {
		case err := <-done:
			if err != nil && !strings.Contains(stderrOf(cmd), ErrComplete.Error()) { // the last kill came after the end
				t.Fatalf("round %d: %v: %s", round, err, stderrOf(cmd))
			}
			t.Logf("complete after %d kills", round)
			wantEachOnce(t, h.Resume, h.Cells)
			return
		case <-time.After(pause):
			cmd.Process.Kill()
			<-done
		}
		eventually(t, "the end of all workers", func() bool { return len(workersOfRun(t, id)) == 0 })
		if n := blocksOf(t, h.Resume); n < before {
			t.Fatalf("round %d: %d blocks are left of %d", round, n, before)
		}
		cmd = h.start(t, tmp)
	}
}

// workersOfRun lists the processes of a run's workers, children included.
func workersOfRun(t *testing.T, id string) []string {
	t.Helper()
	var left []string
	for _, path := range glob(t, "/proc/[0-9]*/environ") {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), markKey+"="+id) {
			left = append(left, path)
		}
	}
	return left
}

// interruptAfter ends a context when so many blocks are complete.
type interruptAfter struct {
	silence
	updates int
	cancel  context.CancelFunc
}

func (i *interruptAfter) Update(s progress.State) {
	if i.updates--; i.updates == 0 {
		i.cancel()
	}
}

func TestAnInterruptedRunSaysHowToGoOnAndDoes(t *testing.T) {
	for _, updates := range []int{1, 8, 30} {
		t.Run(fmt.Sprint(updates), func(t *testing.T) {
			opts := options(t, fakeworker.Script{}, twoCells()...)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			opts.Progress = &interruptAfter{silence{}, updates, cancel}
			dir, err := Start(ctx, opts)
			var in *Interrupted
			if !errors.As(err, &in) || !errors.Is(err, context.Canceled) {
				t.Fatalf("Start: %v; want it interrupted", err)
			}
			if n := blocksOf(t, dir); in.Blocks != n || in.Total != 12 || in.Dir != dir {
				t.Errorf("%+v; the journal of %s has %d blocks of 12", in, dir, n)
			}
			if want := "go on with: bench run --resume " + dir; !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%q; want it to end with %q", err, want)
			}
			wantNoWorkers(t, filepath.Base(dir))
			opts.Progress = nil
			if err := Resume(context.Background(), dir, opts); err != nil {
				t.Fatal(err)
			}
			wantEachOnce(t, dir, opts.Cells)
			if n := len(journal(t, dir)[record.KindResume]); n != 1 {
				t.Errorf("%d resumptions are recorded; want 1", n)
			}
		})
	}
}

func TestAResumedRunKeepsIterationsAndTime(t *testing.T) {
	opts := options(t, fakeworker.Script{}, twoCells()...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts.Progress = &interruptAfter{silence{}, 15, cancel}
	dir, _ := Start(ctx, opts)
	opts.Progress = nil
	opts.Workers["lens"] = fake(fakeworker.Script{Iteration: 0.002}) // the machine has become slow
	if err := Resume(context.Background(), dir, opts); err != nil {
		t.Fatal(err)
	}
	entries, _, err := record.ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	iterations, last := 0, 0.0
	for i, e := range entries {
		if e.Time < last {
			t.Errorf("entry %d is of %v s, after one of %v s", i, e.Time, last)
		}
		last = e.Time
		if e.Kind != record.KindWorker || e.Cell != "c1" || e.Worker.Pass != timePass {
			continue
		}
		if iterations == 0 {
			iterations = e.Worker.Iterations
		}
		if e.Worker.Iterations != iterations {
			t.Errorf("iterations changed from %d to %d", iterations, e.Worker.Iterations)
		}
	}
}

func TestARunThatCannotBeResumedSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string, o *Options)
		want  string
	}{
		{"complete", func(t *testing.T, dir string, o *Options) {
			if err := Resume(context.Background(), dir, *o); err != nil {
				t.Fatal(err)
			}
		}, "nothing is left to resume"},
		{"of another machine", func(t *testing.T, dir string, o *Options) {
			edit(t, filepath.Join(dir, record.RunFile), func(run map[string]any) {
				run["machine"].(map[string]any)["cpus"] = 1000
			})
		}, "begun on a different machine: this one has cpus "},
		{"of another libtorch", func(t *testing.T, dir string, o *Options) {
			o.Workers["lens"] = fake(fakeworker.Script{Libtorch: "2.12.0"})
		}, "libtorch 2.12.0, not 2.11.0"},
		{"of another build", func(t *testing.T, dir string, o *Options) {
			o.Workers["lens"] = fake(fakeworker.Script{Build: "b"})
		}, `worker lens is build "b", but this run began with build ""`},
		{"held", func(t *testing.T, dir string, o *Options) {
			j, err := record.OpenJournal(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { j.Close() })
		}, "another process is writing to this run"},
		{"without a plan", func(t *testing.T, dir string, o *Options) {
			if err := os.Remove(filepath.Join(dir, record.RunFile)); err != nil {
				t.Fatal(err)
			}
		}, "run.json: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := options(t, fakeworker.Script{}, smallCell("c1", 2))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			opts.Progress = &interruptAfter{silence{}, 9, cancel}
			dir, err := Start(ctx, opts)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			opts.Progress = nil
			tt.spoil(t, dir, &opts)
			err = Resume(context.Background(), dir, opts)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) && tt.name != "of another build" {
				t.Errorf("%v; want …%s… naming %s", err, tt.want, dir)
			}
			if tt.name == "complete" && !errors.Is(err, ErrComplete) {
				t.Errorf("%v is not ErrComplete", err)
			}
		})
	}
}

// edit changes a JSON file.
func edit(t *testing.T, path string, change func(map[string]any)) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(readFile(t, path))))
	d.UseNumber() // seeds have 64 bits
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	change(v)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, b)
}

// A journal may end at any byte, also inside what was written as one.
func TestARunCutAnywhereIsResumed(t *testing.T) {
	opts := options(t, fakeworker.Script{}, twoCells()...)
	dir := mustStart(t, opts)
	whole := readFile(t, filepath.Join(dir, record.JournalFile))
	for range 5 {
		cut := rand.IntN(len(whole))
		torn := cut > 0 && whole[cut-1] != '\n' && whole[cut] != '\n'
		writeFile(t, filepath.Join(dir, record.JournalFile), whole[:cut])
		notes := &notes{}
		opts.Progress = notes
		if err := Resume(context.Background(), dir, opts); err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		wantEachOnce(t, dir, opts.Cells)
		told := slices.ContainsFunc(notes.text, func(n string) bool { return strings.HasPrefix(n, "1 line of "+dir) })
		if _, dropped, _ := record.ReadJournal(dir); told != torn || (dropped == 1) != torn {
			t.Errorf("cut at byte %d: %d lines dropped, notes %q", cut, dropped, notes.text)
		}
	}
}

// What ends a cell, or an arm, ends it also if the run was killed while that
// was written down.
func TestAnEndThatIsCutIsReachedAgain(t *testing.T) {
	cell := faultyCell()
	cell.Arms = arms(3)
	cell.Arms[0].Worker, cell.Arms[2].Worker = "faulty", "drifting"
	opts := options(t, fakeworker.Script{}, cell)
	opts.Workers["faulty"] = fake(fakeworker.Script{Name: "faulty", Faults: []fakeworker.Fault{{Do: "crash", At: protocol.OpSample, Nth: 4}}})
	opts.Workers["drifting"] = fake(fakeworker.Script{Name: "drifting", Faults: []fakeworker.Fault{{Do: "drift", At: protocol.OpVerify}}})
	dir := mustStart(t, opts)
	path := filepath.Join(dir, record.JournalFile)
	whole := readFile(t, path)
	want := statuses(t, dir)
	if len(want) != 3 {
		t.Fatalf("%v; want statuses of the cell, its control and one variant", want)
	}
	for cut := range whole {
		if whole[cut] != '\n' || cut == len(whole)-1 {
			continue
		}
		writeFile(t, path, whole[:cut+1])
		if err := Resume(context.Background(), dir, opts); err != nil {
			t.Fatalf("cut after %q: %v", whole[:cut], err)
		}
		if got := statuses(t, dir); !maps.Equal(got, want) {
			t.Errorf("cut at byte %d: statuses %v; want %v", cut, got, want)
		}
	}
}

// statuses maps the arms of a run, "" for the cell, to how they ended.
func statuses(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, e := range journal(t, dir)[record.KindStatus] {
		if was, twice := out[e.Status.Arm]; twice {
			t.Errorf("arm %q ended as %s and again as %s", e.Status.Arm, was, e.Status.Status)
		}
		out[e.Status.Arm] = e.Status.Status
	}
	return out
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

type notes struct {
	silence
	text []string
}

func (n *notes) Note(text string) { n.text = append(n.text, text) }

// A limit on the size of files stands in for a full disk. It holds for all
// files of a process, so that has to be one of its own.
func TestAFullDiskStopsTheRunAndKeepsWhatThereIs(t *testing.T) {
	tmp := t.TempDir()
	h := harness{Cells: twoCells(), Runs: filepath.Join(tmp, "runs"), FileLimit: 4000}
	cmd := h.start(t, tmp)
	err := cmd.Wait()
	dir := theRun(t, h.Runs)
	said := stderrOf(cmd)
	if err == nil || !strings.Contains(said, filepath.Join(dir, record.JournalFile)+": file too large") || !strings.Contains(said, "--resume "+dir) {
		t.Fatalf("%v: %s; want an error that names the journal and how to go on", err, said)
	}
	wantNoWorkers(t, filepath.Base(dir))
	if n := len(journal(t, dir)); n == 0 {
		t.Error("nothing was kept")
	}
	h.Resume, h.FileLimit = dir, 0
	if cmd = h.start(t, tmp); cmd.Wait() != nil {
		t.Fatal(stderrOf(cmd))
	}
	wantEachOnce(t, dir, h.Cells)
}
