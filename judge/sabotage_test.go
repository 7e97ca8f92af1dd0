package judge_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lensbench/judge"
	"lensbench/protocol"
	"lensbench/record"
)

// each calls a function for every sample of an arm.
func (f *fixture) each(arm string, change func(restart, block int, s *record.Sample)) {
	for _, e := range f.entries {
		if e.Block == nil {
			continue
		}
		for i := range e.Block.Samples {
			if s := &e.Block.Samples[i]; s.Arm == arm {
				change(e.Block.Restart, e.Block.Block, s)
			}
		}
	}
}

// workersOf calls a function for every start of an arm.
func (f *fixture) workersOf(arm string, change func(*record.WorkerEntry)) {
	for _, e := range f.entries {
		if e.Worker != nil && e.Worker.Arm == arm {
			change(e.Worker)
		}
	}
}

// at calls a function for one sample.
func at(restart, block int, change func(*record.Sample)) func(int, int, *record.Sample) {
	return func(r, b int, s *record.Sample) {
		if r == restart && b == block {
			change(s)
		}
	}
}

// set gives a sample one duration.
func set(s *record.Sample, d float64) {
	s.Said.Durations, s.Said.Wall = []float64{d}, d
	s.Wall = max(s.Wall, 2*d)
}

// copied are the samples of an arm before anything is changed.
func (f *fixture) copied(arm string) map[[2]int]record.Sample {
	out := map[[2]int]record.Sample{}
	f.each(arm, func(r, b int, s *record.Sample) { out[[2]int{r, b}] = *s })
	return out
}

// index is that of the first entry that a function likes.
func (f *fixture) index(likes func(record.Entry) bool) int {
	for i, e := range f.entries {
		if likes(e) {
			return i
		}
	}
	return -1
}

func isBlock(restart, block int) func(record.Entry) bool {
	return func(e record.Entry) bool {
		return e.Block != nil && e.Block.Restart == restart && e.Block.Block == block
	}
}

// TestSabotage: a run that would support its claim does not, or does as before,
// after somebody or something had a hand in its record. threads is the variant.
func TestSabotage(t *testing.T) {
	const threads, control = "threads", "sequential"
	good := func() *fixture {
		c := ensemble()
		return newFixture(c).outputs(c, control, 0).outputs(c, threads, 3e-7).measure(c, 0, 8, 1, both(1.6, 0.02)).end()
	}
	if v := good().judge().Cells[0]; v.Status != record.OK || v.Claim.Verdict != record.Supported {
		t.Fatalf("unharmed, it is %s and %s", v.Status, v.Claim.Verdict)
	}
	harmless := good().judge()
	for _, tt := range []struct {
		name    string
		harm    func(*fixture)
		status  string // of the cell
		verdict string // on the claim
		reason  string // part of the cell's, or else of the claim's
	}{
		{"swapped arms", func(f *fixture) {
			for _, e := range f.entries {
				if e.Block != nil {
					e.Block.Samples[0].Arm, e.Block.Samples[1].Arm = threads, control
				}
			}
		}, record.OK, record.Refuted, "threads/sequential = 0.61"},
		{"NaN", func(f *fixture) { f.each(threads, at(5, 1, func(s *record.Sample) { set(s, math.NaN()) })) },
			record.Invalid, record.NotTested, "wall is NaN s"},
		{"infinity", func(f *fixture) { f.each(threads, at(5, 1, func(s *record.Sample) { set(s, math.Inf(1)) })) },
			record.Invalid, record.NotTested, "wall is +Inf s"},
		{"zero", func(f *fixture) { f.each(threads, at(5, 1, func(s *record.Sample) { set(s, 0) })) },
			record.Invalid, record.NotTested, "wall is 0 s"},
		{"negative", func(f *fixture) { f.each(threads, at(5, 1, func(s *record.Sample) { s.Said.Durations[0] *= -1 })) },
			record.Invalid, record.NotTested, "want a positive time"},
		{"a worker that says more than the runner saw", func(f *fixture) { f.each(control, func(_, _ int, s *record.Sample) { s.Said.Wall = 1.01 * s.Wall }) },
			record.Invalid, record.NotTested, "but its answer came after"},
		{"a worker that leaves work out", func(f *fixture) { f.each(threads, at(2, 0, func(s *record.Sample) { s.Said.Items-- })) },
			record.Invalid, record.NotTested, "3 items from 1 iterations of 4 items"},
		{"iterations that overlap", func(f *fixture) { f.each(threads, at(2, 0, func(s *record.Sample) { s.Said.Durations[0] *= 3 })) },
			record.Invalid, record.NotTested, "more than the wall time"},
		{"constant durations", func(f *fixture) { f.each(threads, func(_, _ int, s *record.Sample) { set(s, 0.01) }) },
			record.Invalid, record.NotTested, "all of its 24 samples took 0.01 s to the last bit"},
		{"a replayed restart", func(f *fixture) {
			f.measureMore(2)
			old := f.copied(threads)
			f.each(threads, func(r, b int, s *record.Sample) {
				if r == 6 {
					s.Said = old[[2]int{1, b}].Said
					s.Wall = max(s.Wall, 2*s.Said.Wall)
				}
			})
		}, record.Invalid, record.NotTested, "restart 6 repeats restart 1 to the last bit"},
		{"the control's samples as the variant's", func(f *fixture) {
			old := f.copied(control)
			f.each(threads, func(r, b int, s *record.Sample) { s.Said, s.Wall = old[[2]int{r, b}].Said, old[[2]int{r, b}].Wall })
		}, record.Invalid, record.NotTested, "24 of its 24 samples are those of arm sequential"},
		{"a stale binary", func(f *fixture) {
			f.workersOf(threads, func(w *record.WorkerEntry) {
				w.Hello.Build = "new"
				if w.Restart < 3 {
					w.Hello.Build = "old"
				}
			})
		}, record.Invalid, record.NotTested, "it was built anew while it was measured"},
		{"mixed units", func(f *fixture) {
			f.each(threads, at(4, 2, func(s *record.Sample) { // milliseconds
				s.Said.Wall *= 1000
				s.Said.Durations[0] *= 1000
			}))
		}, record.Invalid, record.NotTested, "but its answer came after"},
		{"other iterations in some samples", func(f *fixture) {
			f.each(threads, at(4, 2, func(s *record.Sample) {
				s.Iterations, s.Said.Items = 2, 2*items
				s.Said.Durations = []float64{s.Said.Wall / 2, s.Said.Wall / 2}
			}))
		}, record.Invalid, record.NotTested, "a sample of 2 iterations, where all have 1"},
		{"a clock that goes backwards", func(f *fixture) { f.each(control, at(3, 0, func(s *record.Sample) { s.Start -= 1000 })) },
			record.Invalid, record.NotTested, "before the block that it follows"},
		{"a clock that jumps during samples", func(f *fixture) {
			f.each(control, func(r, b int, s *record.Sample) { s.Host.ClockJump = 3600 })
		}, record.Contaminated, record.Inconclusive, "24 of 24 blocks were contaminated (clock jump 24)"},
		{"slow samples left out", func(f *fixture) {
			i := f.index(isBlock(2, 1))
			f.entries[i].Block.Samples = f.entries[i].Block.Samples[:1]
		}, record.Invalid, record.NotTested, "arm threads: restart 2, block 1: it has no sample there, but goes on after it"},
		{"the same line twice", func(f *fixture) { f.again(isBlock(2, 1), nil) }, record.OK, record.Supported, ""},
		{"a block measured until it pleased", func(f *fixture) {
			f.again(isBlock(2, 1), func(e *record.BlockEntry) {
				e.Samples[1].Said.Wall, e.Samples[1].Said.Durations = 0.05, []float64{0.05}
			})
		}, record.Invalid, record.NotTested, "restart 2, block 1: two samples that differ, of one session"},
		{"blocks out of order", func(f *fixture) {
			i, j := f.index(isBlock(1, 0)), f.index(isBlock(5, 2))
			f.entries[i], f.entries[j] = f.entries[j], f.entries[i]
		}, record.OK, record.Supported, ""},
		{"an empty journal", func(f *fixture) { f.entries = nil }, record.Insufficient, record.NotTested, "not measured: the run was interrupted before"},
		{"a cut journal", func(f *fixture) { f.entries = f.entries[:len(f.entries)/2] }, record.Insufficient, record.Inconclusive, "the run was interrupted"},
		{"blocks of another run", func(f *fixture) {
			for i := range f.entries {
				f.entries[i].Cell = "badcafe"
			}
		}, record.Insufficient, record.NotTested, "not measured"},
		{"a renamed arm", func(f *fixture) { f.each(threads, func(_, _ int, s *record.Sample) { s.Arm = "thread" }) },
			record.Insufficient, record.NotTested, "arm threads: not measured: the journal has no sample of it"},
		{"a renamed metric", func(f *fixture) {
			f.run.Cells[0].Measure[0], f.run.Cells[0].Expect[0].Metric = "troughput", "troughput"
		},
			record.OK, record.NotTested, "this build does not know the metric troughput"},
		{"a claim on what was not measured", func(f *fixture) { f.run.Cells[0].Measure[0] = record.Latency },
			record.OK, record.NotTested, "throughput: not measured"},
		{"the wrong direction", func(f *fixture) { f.run.Cells[0].Expect[0].Op = "<=" }, record.OK, record.Refuted, "claimed ≤ 1.40"},
		{"a direction that nobody knows", func(f *fixture) { f.run.Cells[0].Expect[0].Op = ">" }, record.OK, record.NotTested, "this build knows >= and <="},
		{"a variant that decides and is not there", func(f *fixture) { f.run.Cells[0].Decides = "thread" },
			record.OK, record.NotTested, "the deciding arm thread is not in this cell"},
		{"outputs that were not compared", func(f *fixture) { f.entries = f.entries[2:] }, record.OK, record.Inconclusive, "its outputs were not compared"},
		{"outputs that pass again after they failed", func(f *fixture) {
			c := f.run.Cells[0]
			f.outputs(c, threads, 0.1).outputs(c, threads, 0)
		}, record.QualityFail, record.QualityFail, "logits differ from the control's by up to 0.1"},
		{"samples of an arm that crashed", func(f *fixture) {
			e := record.Entry{Kind: record.KindStatus, Cell: "c0ffee", Status: &record.StatusEntry{Arm: threads, Status: record.Crash, Reason: "signal: killed"}}
			f.entries = append([]record.Entry{e}, f.entries...)
		}, record.Crash, record.NotTested, "signal: killed"},
		{"too few restarts", func(f *fixture) { f.entries = f.entries[:f.index(isBlock(7, 0))] }, record.Insufficient, record.Inconclusive, "a verdict needs 8"},
		{"one restart under eight names", func(f *fixture) {
			f.measureMore(2)
			old, base := f.copied(threads), f.copied(control)
			f.each(threads, func(r, b int, s *record.Sample) { s.Said, s.Wall = old[[2]int{0, b}].Said, old[[2]int{0, b}].Wall })
			f.each(control, func(r, b int, s *record.Sample) { s.Said, s.Wall = base[[2]int{0, b}].Said, base[[2]int{0, b}].Wall })
		}, record.Invalid, record.NotTested, "repeats restart 0"},
		{"a machine that was used by others", func(f *fixture) { f.each(threads, func(_, _ int, s *record.Sample) { s.Host.Others = 1.5 * s.Wall }) },
			record.Contaminated, record.Inconclusive, "blocks were contaminated (other processes "},
		{"a throttled device", func(f *fixture) {
			f.each(threads, func(_, _ int, s *record.Sample) { s.Host.Throttled = []string{"hw_slowdown"} })
		}, record.Contaminated, record.Inconclusive, "throttled clock 24"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := good()
			tt.harm(f)
			all := judge.Judge(f.run, f.entries, 0)
			v := all.Cells[0]
			reasons := v.Reason + "\n" + v.Claim.Reason
			for _, k := range v.Comparisons {
				reasons += "\n" + k.Reason
			}
			for _, a := range v.Arms {
				reasons += "\n" + a.Reason
			}
			if v.Status != tt.status || v.Claim.Verdict != tt.verdict || !strings.Contains(reasons, tt.reason) {
				t.Errorf("cell %s, claim %s: %s\nwant %s, %s: …%s…", v.Status, v.Claim.Verdict, reasons, tt.status, tt.verdict, tt.reason)
			}
			if tt.verdict == record.Supported && !bytes.Equal(asJSON(t, all), asJSON(t, harmless)) {
				t.Error("it does no harm, and yet the document is another")
			}
		})
	}
}

func asJSON(t *testing.T, v record.Verdicts) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// again writes an entry a second time, changed.
func (f *fixture) again(which func(record.Entry) bool, change func(*record.BlockEntry)) {
	e := f.entries[f.index(which)]
	b := *e.Block
	b.Samples = append([]record.Sample(nil), b.Samples...)
	if change != nil {
		change(&b)
	}
	e.Block = &b
	end := f.entries[len(f.entries)-1]
	f.entries = append(f.entries[:len(f.entries)-1:len(f.entries)-1], e, end)
}

// measureMore adds blocks to every restart: few numbers may be equal by accident.
func (f *fixture) measureMore(blocks int) {
	c := f.run.Cells[0]
	for r := range 8 {
		for b := range blocks {
			at := f.index(isBlock(r, c.Plan.Blocks-1+b)) + 1
			f.block(c, r, c.Plan.Blocks+b, 1, both(1.6, 0.02))
			e := f.entries[len(f.entries)-1]
			for i := range e.Block.Samples {
				e.Block.Samples[i].Start = f.entries[at-1].Block.Samples[0].Start
			}
			f.entries = append(f.entries[:at], append([]record.Entry{e}, f.entries[at:len(f.entries)-1]...)...)
		}
	}
	f.run.Cells[0].Plan.Blocks += blocks
}

// Sabotages that are caught elsewhere, each by the test that shows it.
var elsewhere = []struct{ sabotage, file, test string }{
	{"a worker that crashes, hangs, floods, answers garbage or lies", "runner/faults_test.go", "TestAWorkerThatMisbehavesEndsAsAStatus"},
	{"a worker that was built anew, or another machine, before a run is resumed", "runner/resume_test.go", "TestARunThatCannotBeResumedSaysWhy"},
	{"a changed seed: orders follow from it alone", "runner/plan_test.go", "TestASeedRepeatsARun"},
	{"a kill at any moment", "runner/resume_test.go", "TestAKilledRunIsResumedUntilItIsComplete"},
	{"a journal that is cut anywhere", "runner/resume_test.go", "TestARunCutAnywhereIsResumed"},
	{"lines that are not entries", "record/journal_test.go", "TestLinesThatAreNotEntriesAreCounted"},
	{"two processes that write one journal", "record/journal_test.go", "TestOnlyOneProcessWritesAJournal"},
	{"a full disk", "runner/resume_test.go", "TestAFullDiskStopsTheRunAndKeepsWhatThereIs"},
	{"a second run on the machine", "runner/lock_test.go", "TestASecondRunIsRefusedAndToldWhoRuns"},
	{"another machine's record as a baseline", "baseline/pool_test.go", "TestPoolsThatAreRefused"},
	{"a broken or missing file where results are compared", "baseline/compare_test.go", "TestCompareErrors"},
	{"lines in any subset", "judge/judge_test.go", "TestAnyPartOfAJournal"},
	{"looks in between, until it pleases", "judge/look_test.go", "TestNothingIsLookedAtInBetween"},
	{"equal arms that are told apart", "bench/outcome_test.go", "TestOutcome"},
	{"arms that differ, as a calibration", "calibration/calibration_test.go", "TestWhatIsNoCalibration"},
	{"facts that contradict the settings", "record/check_test.go", "TestFactsThatCannotBeTrueAreFound"},
	{"dropping blocks for what was measured in them", "judge/contaminated_test.go", "TestDroppingDoesNotLookAtResults"},
}

func TestSabotagesElsewhereAreTested(t *testing.T) {
	for _, s := range elsewhere {
		text, err := os.ReadFile(filepath.Join("..", s.file))
		if err != nil {
			t.Errorf("%s: %v", s.sabotage, err)
			continue
		}
		if !regexp.MustCompile(`(?m)^func ` + s.test + `\(t \*testing\.T\)`).Match(text) {
			t.Errorf("%s: %s has no %s", s.sabotage, s.file, s.test)
		}
	}
}

// An unhurt arm of the time pass is what the checks above are about; a memory
// pass has processes of its own.
func TestMemoryPassesMayHaveAnotherNumberOfIterations(t *testing.T) {
	c := ensemble()
	f := newFixture(c).measure(c, 0, 8, 3, both(1.6, 0.02))
	f.add(record.Entry{Kind: record.KindWorker, Cell: c.ID, Worker: &record.WorkerEntry{Arm: "threads", Pass: protocol.PassMemory, Iterations: 1}})
	if v := f.end().judge().Cells[0]; v.Status != record.OK {
		t.Errorf("%s: %s", v.Status, v.Reason)
	}
}
