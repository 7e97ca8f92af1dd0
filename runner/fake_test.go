package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
	"lensbench/runner/progress"
)

func TestMain(m *testing.M) {
	fakeworker.Main()
	harnessMain()
	farewell = 500 * time.Millisecond
	os.Exit(m.Run())
}

// fake is a command that runs this test binary as a fake worker. Under the race
// detector a program otherwise sleeps for a second before it ends.
func fake(s fakeworker.Script) Command {
	return Command{Argv: []string{os.Args[0]}, Env: []string{s.Env(), "GORACE=atexit_sleep_ms=0"}}
}

// arms makes n arms; the setting "seed" numbers them from 1, for faults.
func arms(n int) []record.Arm {
	var out []record.Arm
	for i := range n {
		name := "control"
		if i > 0 {
			name = fmt.Sprintf("variant%d", i)
		}
		out = append(out, record.Arm{Name: name, Worker: "lens", Settings: protocol.Settings{Kind: "inference", Seed: i + 1}})
	}
	return out
}

// smallCell is a cell that takes some tens of milliseconds.
func smallCell(id string, n int) record.Cell {
	return record.Cell{ID: id, Scenario: "small", Arms: arms(n),
		Equal:   &record.Equal{Output: "logits", Tolerance: 1e-5},
		Measure: []string{record.Throughput},
		Plan:    record.Plan{Restarts: 2, Blocks: 3, Warmup: 2, SampleSeconds: 0.001, TimeLimit: 20}}
}

// options run the cells with a fake worker, in directories of the test's own.
func options(t *testing.T, s fakeworker.Script, cells ...record.Cell) Options {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir) // its own lock of the machine
	return Options{Cells: cells, Runs: filepath.Join(dir, "runs"), Seed: 1, Cache: dir,
		Command: []string{"run", "small"}, Workers: map[string]Command{"lens": fake(s)}}
}

// journal reads the entries of a run by kind.
func journal(t *testing.T, dir string) map[string][]record.Entry {
	t.Helper()
	entries, dropped, err := record.ReadJournal(dir)
	if err != nil || dropped != 0 {
		t.Fatalf("journal: %v, %d lines dropped", err, dropped)
	}
	out := map[string][]record.Entry{}
	for _, e := range entries {
		out[e.Kind] = append(out[e.Kind], e)
	}
	return out
}

// silence is a sink for those who need only some of its methods.
type silence struct{}

func (silence) Update(progress.State) {}
func (silence) Note(string)           {}
func (silence) Finish()               {}

// killOnNote calls a function with the first note.
type killOnNote struct {
	silence
	call func(note string)
}

func (k *killOnNote) Note(text string) {
	if k.call != nil {
		k.call(text)
		k.call = nil
	}
}
