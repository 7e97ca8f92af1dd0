package judge_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/judge"
	"lensbench/protocol"
	"lensbench/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func (f *fixture) judge() record.Verdicts { return judge.Judge(f.run, f.entries, 0) }

// both gives both arms of ensemble a pace, threads being faster by the factor.
func both(faster, scatter float64) map[string]pace {
	return map[string]pace{"sequential": {0.4, scatter, 0}, "threads": {0.4 / faster, scatter, 0}}
}

// full is a run of everything at once: an ensemble with four arms, one skipped
// and one with wrong outputs, and null work.
func full() *fixture {
	c := ensemble()
	c.Measure = []string{record.Throughput, record.Latency, record.MemoryPeak}
	c.Expect = append(c.Expect, record.Expect{Metric: record.MemoryPeak, Op: "<=", Ratio: 1.05})
	c.Arms = append(c.Arms,
		record.Arm{Name: "processes", Worker: "lens", Settings: protocol.Settings{Kind: "ensemble", Schedule: "processes"}},
		record.Arm{Name: "streams", Worker: "lens", Settings: protocol.Settings{Kind: "ensemble"}, Needs: []string{"cuda"}})
	null := record.Cell{ID: "0", Scenario: "harness-null", Title: "Null work", Measure: []string{record.Latency},
		Arms: []record.Arm{{Name: "control", Worker: "lens", Settings: protocol.Settings{Kind: "null"}}, {Name: "again", Worker: "lens", Settings: protocol.Settings{Kind: "null"}}},
		Plan: record.Plan{Restarts: 8, Blocks: 2, SampleSeconds: 0.001, TimeLimit: 1}}
	paces := both(1.6, 0.02)
	paces["processes"] = pace{0.2, 0.02, 0}
	f := newFixture(c, null)
	f.status(c, "streams", record.Skipped, "needs cuda; this machine shows no NVIDIA GPU")
	f.outputs(c, "sequential", 0).outputs(c, "threads", 3e-7).outputs(c, "processes", 3e-7)
	f.measure(c, 0, 8, 1, paces)
	f.outputs(c, "processes", 0.25).status(c, "processes", record.QualityFail, "logits differ from the control's by up to 0.25; the tolerance is 1e-05")
	f.memory(c, "sequential", 400<<20, 400<<20).activations(c, "threads", 304<<20, 304<<20)
	f.measure(null, 0, 8, 1, map[string]pace{"control": {1e-6, 0.1, 0}, "again": {1e-6, 0.1, 0}})
	return f.end()
}

func TestGolden(t *testing.T) {
	for name, f := range map[string]*fixture{
		"full":        full(),
		"interrupted": newFixture(ensemble()).measure(ensemble(), 0, 2, 1, both(1.6, 0.02)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(f.judge(), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".json"), append(got, '\n'))
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with go test -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; see what changed with go test -update and git diff", path)
	}
}

// TestClaims is the table of what a claim can come to.
func TestClaims(t *testing.T) {
	c := ensemble()
	less := ensemble()
	less.Measure = append(less.Measure, record.MemoryPeak)
	less.Expect = append(less.Expect, record.Expect{Metric: record.MemoryPeak, Op: "<=", Ratio: 0.9})
	fewer := ensemble()
	fewer.Measure = append(fewer.Measure, record.MemoryPeak, record.ActivationPeak)
	fewer.Expect = []record.Expect{{Metric: record.ActivationPeak, Op: "<=", Ratio: 0.5}}
	unmeasured := ensemble()
	unmeasured.Expect[0].Metric = record.MemoryPeak
	good := func(c record.Cell) *fixture {
		return newFixture(c).outputs(c, "sequential", 0).outputs(c, "threads", 1e-7)
	}
	busy := map[string]pace{"sequential": {0.4, 0.02, 0.3}, "threads": {0.25, 0.02, 0.3}}
	for _, tc := range []struct {
		name    string
		run     *fixture
		status  string
		verdict string
		reason  string // part of it
	}{
		{"the interval lies above", good(c).measure(c, 0, 8, 1, both(1.6, 0.02)).end(),
			record.OK, record.Supported, "throughput: threads/sequential = 1.6"},
		{"the interval lies below", good(c).measure(c, 0, 8, 1, both(1.02, 0.02)).end(),
			record.OK, record.Refuted, "claimed ≥ 1.40"},
		{"slower, not faster", good(c).measure(c, 0, 8, 1, both(0.8, 0.02)).end(),
			record.OK, record.Refuted, "threads/sequential = 0.8"},
		{"the interval holds the end", good(c).measure(c, 0, 8, 1, both(1.4, 0.05)).end(),
			record.OK, record.Inconclusive, "would have been seen with 95 % power"},
		{"both expectations hold", good(less).measure(less, 0, 8, 1, both(1.6, 0.02)).memory(less, "sequential", 400<<20, 400<<20).memory(less, "threads", 300<<20, 300<<20).end(),
			record.OK, record.Supported, "memory_peak: threads/sequential = 0.750 exactly, claimed ≤ 0.90"},
		{"faster, but no smaller", good(less).measure(less, 0, 8, 1, both(1.6, 0.02)).memory(less, "sequential", 400<<20, 400<<20).memory(less, "threads", 400<<20, 400<<20).end(),
			record.OK, record.Refuted, "memory_peak: threads/sequential = 1.000 exactly"},
		{"memory passes are missing", good(less).measure(less, 0, 8, 1, both(1.6, 0.02)).end(),
			record.OK, record.NotTested, "no memory pass of both arms"},
		{"peaks do not repeat", good(less).measure(less, 0, 8, 1, both(1.6, 0.02)).memory(less, "sequential", 400<<20, 400<<20).memory(less, "threads", 300<<20, 301<<20).end(),
			record.OK, record.Inconclusive, "2 memory passes; peaks that repeat exactly need 2, others 8"},
		{"peaks wander, in as many passes as restarts", good(less).measure(less, 0, 8, 1, both(1.6, 0.02)).memory(less, "sequential", 400<<20, 400<<20).memory(less, "threads", 300<<20, 301<<20, 302<<20, 300<<20, 303<<20, 301<<20, 302<<20, 304<<20).end(),
			record.OK, record.Supported, "memory_peak: threads/sequential = 0.75"},
		{"half the activations, of which only they are judged", good(fewer).measure(fewer, 0, 8, 1, both(1, 0.02)).activations(fewer, "sequential", 40<<20, 40<<20).activations(fewer, "threads", 20<<20, 20<<20).end(),
			record.OK, record.Supported, "activation_peak: threads/sequential = 0.500 exactly, claimed ≤ 0.50"},
		{"a worker that cannot count activations", good(fewer).measure(fewer, 0, 8, 1, both(1, 0.02)).activations(fewer, "sequential", 40<<20, 40<<20).memory(fewer, "threads", 20<<20, 20<<20).end(),
			record.OK, record.NotTested, "the worker of arm threads cannot count bytes of activations"},
		{"a worker that cannot count", good(less).measure(less, 0, 8, 1, both(1.6, 0.02)).memory(less, "sequential", 400<<20, 400<<20).memory(less, "threads", 0, 0).end(),
			record.OK, record.NotTested, "cannot count tensor bytes"},
		{"the metric was not measured", good(unmeasured).measure(unmeasured, 0, 8, 1, both(1.6, 0.02)).end(),
			record.OK, record.NotTested, "memory_peak: not measured, claimed ≥ 1.40"},
		{"faster with other outputs", newFixture(c).outputs(c, "sequential", 0).outputs(c, "threads", 0.1).measure(c, 0, 8, 1, both(1.6, 0.02)).end(),
			record.QualityFail, record.QualityFail, "logits differ from the control's by up to 0.1; the tolerance is 1e-05; throughput: threads/sequential = 1.6"},
		{"outputs of another shape", newFixture(c).outputs(c, "threads", math.NaN()).status(c, "threads", record.QualityFail, "logits have shape [4], the control's [8]").end(),
			record.QualityFail, record.QualityFail, "logits have shape [4]"},
		{"faster, and outputs not compared", newFixture(c).measure(c, 0, 8, 1, both(1.6, 0.02)).end(),
			record.OK, record.Inconclusive, "its outputs were not compared"},
		{"too few restarts", good(c).measure(c, 0, 7, 1, both(1.6, 0.02)).end(),
			record.Insufficient, record.Inconclusive, "in 7 restarts; a verdict needs 8, claimed ≥ 1.40"},
		{"interrupted, but enough", good(c).measure(c, 0, 8, 1, both(1.6, 0.02)),
			record.OK, record.Supported, ""},
		{"nothing was measured", newFixture(c),
			record.Insufficient, record.NotTested, "not measured: the run was interrupted before"},
		{"the deciding arm crashed", good(c).measure(c, 0, 3, 1, both(1.6, 0.02)).status(c, "threads", record.Crash, "signal: killed").end(),
			record.Crash, record.NotTested, "arm threads: crash: signal: killed"},
		{"the deciding arm is for another machine", newFixture(c).status(c, "threads", record.Skipped, "needs cuda; this machine shows no NVIDIA GPU").end(),
			record.Skipped, record.NotTested, "arm threads: skipped: needs cuda"},
		{"the control crashed", good(c).status(c, "sequential", record.Crash, "exit status 1").status(c, "", record.Crash, "control sequential: exit status 1").end(),
			record.Crash, record.NotTested, "arm sequential: crash: exit status 1"},
		{"others used the machine", good(c).measure(c, 0, 8, 1, busy).end(),
			record.Contaminated, record.Inconclusive, "other processes used more than 5 % of the machine during 48 of 48 samples"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := tc.run.judge().Cells[0]
			if v.Claim == nil {
				t.Fatal("no verdict on the claim")
			}
			if v.Status != tc.status || v.Claim.Verdict != tc.verdict || !strings.Contains(v.Claim.Reason, tc.reason) {
				t.Errorf("cell %s (%s)\nclaim %s: %s\nwant %s, %s: …%s…", v.Status, v.Reason, v.Claim.Verdict, v.Claim.Reason, tc.status, tc.verdict, tc.reason)
			}
			if v.Claim.Device != "CPU: Example CPU" {
				t.Errorf("device %q", v.Claim.Device)
			}
			if _, err := json.Marshal(v); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestClaimsByCheck: a claim without numbers is decided by its check.
func TestClaimsByCheck(t *testing.T) {
	c := ensemble()
	c.Expect, c.Equal = nil, &record.Equal{Output: "digests", Rule: record.RuleDigest}
	band := c
	band.Equal = &record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}
	scores := c
	scores.Equal = &record.Equal{Output: "scores", Rule: record.RuleScores, Tolerance: 1, Scores: &record.ScoreLimits{AUROCDrop: 0.002, Images: 1000, Survey: "default"}}
	more := c
	more.Arms = append(slices.Clone(c.Arms), record.Arm{Name: "processes", Worker: "lens"})
	start := func(c record.Cell) *fixture {
		return newFixture(c).outputs(c, "sequential", 0).outputs(c, "threads", 0)
	}
	after := func(f *fixture, c record.Cell, worst float64) *fixture {
		f.outputs(c, "threads", worst)
		f.entries[len(f.entries)-1].Outputs.When = "after"
		return f
	}
	for _, tc := range []struct {
		name    string
		run     *fixture
		status  string
		verdict string
		reason  string
	}{
		{"passed before and after", after(start(c).measure(c, 0, 8, 1, both(1, 0.02)), c, 0).end(),
			record.OK, record.Supported, "digests passed in all 2 comparisons with sequential, without any difference"},
		{"in few restarts", after(start(c).measure(c, 0, 2, 1, both(1, 0.02)), c, 0).end(),
			record.Insufficient, record.Supported, "digests passed in all 2 comparisons with sequential, without any difference"},
		{"however slow", after(start(c).measure(c, 0, 8, 1, both(0.2, 0.02)), c, 0).end(),
			record.OK, record.Supported, "digests passed"},
		{"inside of a band", after(start(band).measure(band, 0, 8, 1, both(1, 0.02)), band, 0.42).end(),
			record.OK, record.Supported, "final_quality passed in all 2 comparisons with sequential, at up to 0.42 of the half-width of its seed-to-seed band"},
		{"scores within their limits", after(start(scores).measure(scores, 0, 8, 1, both(1, 0.02)), scores, 0.42).end(),
			record.OK, record.Supported, "scores passed in all 2 comparisons with sequential, at up to 0.42 of the limits"},
		{"scores that are no worse", after(start(scores).measure(scores, 0, 8, 1, both(1, 0.02)), scores, 0).end(),
			record.OK, record.Supported, "scores passed in all 2 comparisons with sequential, without a lower AUROC or another decision"},
		{"failed after", after(start(c).measure(c, 0, 8, 1, both(1, 0.02)), c, 1).status(c, "threads", record.QualityFail, "digests differ from the control's: part 2 of 3").end(),
			record.QualityFail, record.Refuted, "arm threads: digests differ from the control's: part 2 of 3"},
		{"another arm failed", after(start(more).measure(more, 0, 8, 1, both(1, 0.02)), more, 0).status(more, "processes", record.QualityFail, "digests differ").end(),
			record.QualityFail, record.Supported, "digests passed in all 2 comparisons with sequential, without any difference; not so processes: digests differ"},
		{"interrupted before the end", start(c).measure(c, 0, 8, 1, both(1, 0.02)),
			record.OK, record.Inconclusive, "digests passed before the timing and were not compared after it"},
		{"not compared", newFixture(c).measure(c, 0, 8, 1, both(1, 0.02)).end(),
			record.OK, record.NotTested, "its outputs were not compared"},
		{"the worker cannot", newFixture(c).status(c, "threads", record.Skipped, "this worker does not know the check digests").end(),
			record.Skipped, record.NotTested, "arm threads: skipped: this worker does not know the check digests"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := tc.run.judge().Cells[0]
			if v.Status != tc.status || v.Claim == nil || v.Claim.Verdict != tc.verdict || !strings.HasPrefix(v.Claim.Reason, tc.reason) {
				t.Errorf("cell %s (%s)\nclaim %+v\nwant %s, %s: %s…", v.Status, v.Reason, v.Claim, tc.status, tc.verdict, tc.reason)
			}
		})
	}
}

// TestDevice: a verdict names the accelerator where the deciding arm needs one.
func TestDevice(t *testing.T) {
	c := ensemble()
	c.Arms[1].Needs = []string{"2 devices"}
	f := newFixture(c)
	f.run.Machine.GPU = "2 × NVIDIA H100"
	if d := f.judge().Cells[0].Claim.Device; d != "GPU: 2 × NVIDIA H100" {
		t.Errorf("device %q", d)
	}
}

// TestStatuses is about cells that decide no claim.
func TestStatuses(t *testing.T) {
	c := ensemble()
	c.Claim, c.Decides, c.Expect = nil, "", nil
	c.Arms = append(c.Arms, record.Arm{Name: "processes", Worker: "lens"})
	measured := func() *fixture { return newFixture(c).measure(c, 0, 8, 1, both(1.6, 0.02)) }
	for _, tc := range []struct {
		name   string
		run    *fixture
		status string
		reason string
	}{
		{"a skipped variant among others", measured().status(c, "processes", record.Skipped, "no").end(), record.OK, ""},
		{"every variant skipped", newFixture(c).status(c, "threads", record.Skipped, "no").status(c, "processes", record.Skipped, "no").measure(c, 0, 8, 1, map[string]pace{"sequential": {0.4, 0.02, 0}}).end(),
			record.Skipped, "arm threads: no"},
		{"a crashed variant among others", measured().status(c, "processes", record.Crash, "signal: aborted").end(),
			record.Crash, "arm processes: signal: aborted"},
		{"a variant without a sample", measured().end(), record.Insufficient, "arm processes: not measured: the journal has no sample of it"},
		{"the cell was refused", newFixture(c).status(c, "", record.Skipped, "the arms need 40 GiB").end(), record.Skipped, "the arms need 40 GiB"},
		{"the first cause is told", measured().status(c, "processes", record.Timeout, "no answer in 60 s").status(c, "processes", record.Crash, "killed").end(),
			record.Timeout, "arm processes: no answer in 60 s"},
		{"a part of the plan", newFixture(c).status(c, "processes", record.Skipped, "no").measure(c, 0, 5, 1, both(1.6, 0.02)),
			record.Insufficient, "5 restarts; a verdict needs 8; 15 of 24 planned blocks were measured: the run was interrupted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := tc.run.judge().Cells[0]
			if v.Status != tc.status || v.Reason != tc.reason {
				t.Errorf("%s: %q, want %s: %q", v.Status, v.Reason, tc.status, tc.reason)
			}
			if v.Claim != nil {
				t.Errorf("a verdict on no claim: %+v", v.Claim)
			}
		})
	}
}

// TestContradictions: the record is checked again, since it may come from
// anywhere. Numbers of an arm that lied are not shown.
func TestContradictions(t *testing.T) {
	for name, spoil := range map[string]func(*record.Sample){
		"the worker's wall exceeds the runner's": func(s *record.Sample) { s.Said.Wall = s.Wall + 1 },
		"no time passed":                         func(s *record.Sample) { s.Said.Wall = 0 },
		"items do not fit iterations":            func(s *record.Sample) { s.Said.Items++ },
		"a duration is missing":                  func(s *record.Sample) { s.Said.Durations = nil },
		"no iteration":                           func(s *record.Sample) { s.Iterations, s.Said.Items, s.Said.Durations = 0, 0, nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := ensemble()
			f := newFixture(c).measure(c, 0, 8, 1, both(1.6, 0.02)).end()
			for _, e := range f.entries {
				if e.Block != nil && e.Block.Restart == 5 && e.Block.Block == 1 {
					spoil(&e.Block.Samples[1])
				}
			}
			v := f.judge().Cells[0]
			a, k := v.Arms[1], v.Comparisons[0]
			if v.Status != record.Invalid || a.Status != record.Invalid || !strings.HasPrefix(a.Reason, "restart 5, block 1: ") {
				t.Errorf("cell %s, arm %s: %s", v.Status, a.Status, a.Reason)
			}
			if k.Outcome != record.Invalid || !math.IsNaN(k.Ratio) || a.Throughput.N != 0 {
				t.Errorf("numbers of an invalid arm are shown: %+v %+v", k, a)
			}
			if v.Claim.Verdict != record.NotTested {
				t.Errorf("claim %s", v.Claim.Verdict)
			}
		})
	}
}

func TestWordsForOutcomes(t *testing.T) {
	c := ensemble()
	c.Measure = []string{record.Throughput, record.Latency, record.MemoryPeak}
	f := newFixture(c).measure(c, 0, 8, 5, both(1.6, 0.02)).
		memory(c, "sequential", 400<<20, 400<<20).memory(c, "threads", 500<<20, 500<<20).end()
	want := map[string]struct {
		outcome   string
		low, high float64
	}{
		record.Throughput: {record.Faster, 1.5, 1.7},
		record.Latency:    {record.Faster, 1 / 1.7, 1 / 1.5},
		record.MemoryPeak: {record.More, 1.25, 1.25},
	}
	for _, k := range f.judge().Cells[0].Comparisons {
		w := want[k.Metric]
		if k.Outcome != w.outcome || k.Ratio < w.low || k.Ratio > w.high {
			t.Errorf("%s: %s, ratio %v, want %s within %v–%v", k.Metric, k.Outcome, k.Ratio, w.outcome, w.low, w.high)
		}
	}
}

func TestPercentilesFromTheirFloors(t *testing.T) {
	c := ensemble()
	c.Measure = []string{record.Latency}
	for _, tc := range []struct {
		iterations int // of each of 24 samples
		want       string
	}{
		{1, "p50"}, {2, "p50"}, {3, "p50 p90"}, {6, "p50 p90 p95"}, {28, "p50 p90 p95 p99"},
	} {
		latency := newFixture(c).measure(c, 0, 8, tc.iterations, both(1, 0.1)).judge().Cells[0].Arms[0].Latency
		var names []string
		for _, p := range []string{"p50", "p90", "p95", "p99", "p99.9"} {
			if q, ok := latency[p]; ok {
				names = append(names, p)
				if !(q.Low <= q.Value && q.Value <= q.High) || q.N != 24*tc.iterations {
					t.Errorf("%s: %+v", p, q)
				}
			}
		}
		if got := strings.Join(names, " "); got != tc.want || len(latency) != len(names) {
			t.Errorf("%d iterations: %s, want %s", 24*tc.iterations, got, tc.want)
		}
	}
}

// TestResumedRestart: after an interruption a restart goes on with new
// processes; its blocks still count as one restart, and its cold costs once.
func TestResumedRestart(t *testing.T) {
	c := ensemble()
	f := newFixture(c)
	for r := range 8 {
		f.measure(c, r, r+1, 1, both(1.6, 0.02))
		if r == 3 { // killed: start anew at this restart's last block, which is there already
			f.add(record.Entry{Kind: record.KindResume})
			f.worker(c, "sequential", r, 1)
			f.worker(c, "threads", r, 1)
			f.block(c, r, c.Plan.Blocks-1, 1, both(100, 0))
		}
	}
	v := f.end().judge().Cells[0]
	if a := v.Arms[0]; a.Restarts != 8 || a.Samples != 24 || a.Load.N != 8 || a.First.N != 8 {
		t.Errorf("%+v", a)
	}
	if k := v.Comparisons[0]; k.Pairs != 24 || k.High > 2 {
		t.Errorf("a repeated block counts: %+v", k)
	}
}

// TestPairsNeedBothArms: blocks after an arm failed hold samples of the others
// only.
func TestPairsNeedBothArms(t *testing.T) {
	c := ensemble()
	c.Arms = append(c.Arms, record.Arm{Name: "processes", Worker: "lens"})
	paces := both(1.6, 0.02)
	paces["processes"] = pace{0.3, 0.02, 0}
	f := newFixture(c).outputs(c, "threads", 0).measure(c, 0, 2, 1, paces).status(c, "processes", record.OOM, "killed by the kernel")
	delete(paces, "processes")
	v := f.measure(c, 2, 8, 1, paces).end().judge().Cells[0]
	if k := v.Comparisons[0]; k.Variant != "threads" || k.Restarts != 8 || k.Outcome != record.Faster {
		t.Errorf("%+v", k)
	}
	if k := v.Comparisons[1]; k.Variant != "processes" || k.Restarts != 2 || k.Outcome != record.OOM || k.Ratio < 1.2 {
		t.Errorf("%+v", k)
	}
	if v.Status != record.OOM || v.Claim.Verdict != record.Supported {
		t.Errorf("cell %s, claim %s: a shown arm's end is the cell's status, and does not touch the deciding arm", v.Status, v.Claim.Verdict)
	}
}

func TestOverhead(t *testing.T) {
	v := full().judge()
	if v.Overhead == nil {
		t.Fatal("null work gives no overhead")
	}
	// The fixture's runner adds 100 µs to the untimed iteration.
	if o := v.Overhead; math.Abs(o.PerSample.Value-100e-6) > 1e-9 || o.PerSample.N != 32 || math.Abs(o.Share-o.PerSample.Value/o.Smallest) > 1e-15 || o.Smallest > 0.4 {
		t.Errorf("%+v", o)
	}
	c := ensemble()
	if o := newFixture(c).measure(c, 0, 8, 1, both(1, 0.1)).judge().Overhead; o != nil {
		t.Errorf("overhead without null work: %+v", o)
	}
}

func TestSameJournalSameDocument(t *testing.T) {
	a, err := json.Marshal(full().judge())
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(full().judge())
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two documents of one journal differ (%v)", err)
	}
}

func TestStrangeJournals(t *testing.T) {
	c := ensemble()
	f := newFixture(c, record.Cell{ID: "empty"})
	f.measure(record.Cell{ID: "elsewhere", Arms: c.Arms, Plan: c.Plan}, 0, 1, 1, both(1, 0))
	f.status(c, "unknown", record.Crash, "who?")
	v := judge.Judge(f.run, f.entries, 3)
	if v.Dropped != 3 || !v.Interrupted || len(v.Cells) != 2 {
		t.Errorf("%+v", v)
	}
	if e := v.Cells[1]; e.Status != record.Invalid || e.Reason != "the cell has no arms" {
		t.Errorf("a cell without arms: %s: %s", e.Status, e.Reason)
	}
	if v := judge.Judge(record.Run{}, nil, 0); len(v.Cells) != 0 || v.Cells == nil {
		t.Errorf("an empty run: %+v", v)
	}
}

// TestAnyPartOfAJournal: a journal that was cut anywhere, or lost any lines,
// still gives a document.
func TestAnyPartOfAJournal(t *testing.T) {
	f := full()
	whole := f.entries
	var parts [][]record.Entry
	for n := 0; n < len(whole); n += 5 {
		parts = append(parts, whole[:n])
	}
	for range 20 {
		var some []record.Entry
		for _, e := range whole {
			if f.rng.IntN(3) > 0 {
				some = append(some, e)
			}
		}
		parts = append(parts, some)
	}
	for _, part := range parts {
		v := judge.Judge(f.run, part, len(whole)-len(part))
		if _, err := json.Marshal(v); err != nil {
			t.Fatalf("%d of %d entries: %v", len(part), len(whole), err)
		}
		for _, c := range v.Cells {
			if c.Status == "" || c.Claim != nil && (c.Claim.Verdict == "" || c.Claim.Reason == "") {
				t.Errorf("%d of %d entries: %s has no status or verdict: %+v", len(part), len(whole), c.Scenario, c)
			}
		}
	}
}
