package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// Whatever one arm's worker does, its arm ends with the right status, the
// control is measured to the end, and no process is left.
func TestAWorkerThatMisbehavesEndsAsAStatus(t *testing.T) {
	const (
		hello   = protocol.OpHello
		prepare = protocol.OpPrepare
		sample  = protocol.OpSample
		verify  = protocol.OpVerify
	)
	for _, tt := range []struct {
		do, at string
		nth    int
		status string
		reason string // part of it
	}{
		{"crash", hello, 1, record.Crash, "instead of answering hello: exit status 3"},
		{"crash", prepare, 1, record.Crash, "instead of answering prepare"},
		{"crash", sample, 1, record.Crash, "instead of answering sample"},
		{"crash", sample, 4, record.Crash, "instead of answering sample"},
		{"crash", verify, 1, record.Crash, "instead of answering verify"},
		{"crash", verify, 2, record.Crash, "instead of answering verify"},
		{"quit", prepare, 1, record.Crash, "exit status 0"},
		{"quit", sample, 5, record.Crash, "exit status 0"},
		{"kill", sample, 4, record.Crash, "killed by signal 9"},
		{"half", sample, 4, record.Crash, `after writing "{\"id\":"`},
		{"mute", sample, 4, record.Failed, "closed its standard output"},
		{"hang", hello, 1, record.Timeout, "no answer to hello within the time limit of 500ms"},
		{"hang", prepare, 1, record.Timeout, "no answer to prepare"},
		{"hang", sample, 4, record.Timeout, "no answer to sample"},
		{"hang", verify, 1, record.Timeout, "no answer to verify"},

		{"garbage", hello, 1, record.Failed, `"Loading weights…\n", which is not an answer`},
		{"garbage", sample, 4, record.Failed, "which is not an answer"},
		{"flood", sample, 4, record.Failed, "more than 64 MiB without an end of line"},
		{"flood-lines", sample, 4, record.Failed, "which is not an answer"},
		{"unasked", sample, 4, record.Failed, ""}, // seen before or after the next request
		{"wrong-id", sample, 4, record.Failed, "when asked for request"},
		{"two-contents", prepare, 1, record.Failed, "wrong content"},
		{"empty", sample, 4, record.Failed, "wrong content"},
		{"version", hello, 1, record.Failed, "version 2 of the protocol; this bench speaks version 1"},
		{"nan", sample, 4, record.Failed, "which is not an answer"},

		{"lie-items", sample, 4, record.Invalid, "2 items from 1 iterations"},
		{"lie-wall", sample, 4, record.Invalid, "its answer came after"},
		{"lie-zero", sample, 4, record.Invalid, "wall is 0 s"},
		{"lie-negative", sample, 4, record.Invalid, "want a positive time"},
		{"lie-durations", sample, 4, record.Invalid, "more than the wall time"},
		{"lie-count", sample, 4, record.Invalid, "0 durations for 1 iterations"},
		{"lie-cpu", sample, 4, record.Invalid, "CPU time is -1 s"},
		{"lie-memory", sample, 4, record.Invalid, "rss_peak -1"},
		{"lie-breakdown", sample, 4, record.Invalid, "sums to 2 bytes; tensor_peak is 3"},
		{"lie-facts", prepare, 1, record.Invalid, "99 items per iteration for batch = 1"},
		{"lie-digest", verify, 1, record.Invalid, "digest"},

		{"drift", verify, 1, record.QualityFail, "logits differ from the control's by up to 0.1; the tolerance is 1e-05"},
		{"drift", verify, 2, record.QualityFail, "logits differ"},
		{"shape", verify, 1, record.QualityFail, "logits have shape [2], the control's [3]"},
		{"nan-outputs", verify, 1, record.QualityFail, "logits are not finite numbers"},

		{"unsupported", prepare, 1, record.Skipped, "pip install torch==2.11.0"},
		{"unknown-setting", prepare, 1, record.Incomparable, `setting "schedule"`},
		{"out-of-memory", sample, 4, record.OOM, "cannot allocate 64 GiB"},
		{"failed", prepare, 1, record.Failed, "weights: no such file"},
	} {
		t.Run(tt.do+" at "+tt.at, func(t *testing.T) {
			cell := faultyCell()
			if tt.do == "hang" {
				cell.Plan.TimeLimit = 0.5
			}
			opts := options(t, fakeworker.Script{}, cell)
			// A worker knows its settings only from prepare on, so it is this
			// worker's own program that fails.
			opts.Workers["faulty"] = fake(fakeworker.Script{Name: "faulty", Faults: []fakeworker.Fault{{Do: tt.do, At: tt.at, Nth: tt.nth}}})
			dir := mustStart(t, opts)
			j := journal(t, dir)
			s := onlyStatus(t, j)
			if s.Arm != "variant1" || s.Status != tt.status || !strings.Contains(s.Reason, tt.reason) {
				t.Errorf("arm %s ended as %s: %s; want %s: …%s…", s.Arm, s.Status, s.Reason, tt.status, tt.reason)
			}
			if tt.do == "crash" && s.Stderr != "panic: something broke" {
				t.Errorf("its last words are %q", s.Stderr)
			}
			wantSamples(t, j, "control", cell.Plan.Restarts*cell.Plan.Blocks)
			wantNoWorkers(t, filepath.Base(dir))
		})
	}
}

// Faults that a worker is forgiven.
func TestAWorkerThatIsOnlyOddIsMeasured(t *testing.T) {
	for _, fault := range []fakeworker.Fault{
		{Do: "slow", At: protocol.OpSample, Every: true},
		{Do: "shout", At: protocol.OpSample, Nth: 4},
		{Do: "shout", At: protocol.OpHello},
		{Do: "crash", At: protocol.OpClose},
		{Do: "hang", At: protocol.OpClose},
		{Do: "linger", At: protocol.OpClose},
		{Do: "child", At: protocol.OpPrepare},
		{Do: "daemon", At: protocol.OpPrepare},
		{Do: "unsupported", At: protocol.OpPrepare, Pass: protocol.PassMemory},
	} {
		t.Run(fault.Do+" at "+fault.At, func(t *testing.T) {
			cell := faultyCell()
			if fault.Pass != "" {
				cell.Measure = append(cell.Measure, record.MemoryPeak)
			}
			opts := options(t, fakeworker.Script{}, cell)
			opts.Workers["faulty"] = fake(fakeworker.Script{Name: "faulty", Faults: []fakeworker.Fault{fault}})
			dir := mustStart(t, opts)
			j := journal(t, dir)
			for _, e := range j[record.KindStatus] {
				t.Errorf("arm %s ended as %s: %s", e.Status.Arm, e.Status.Status, e.Status.Reason)
			}
			wantSamples(t, j, "control", cell.Plan.Restarts*cell.Plan.Blocks)
			wantSamples(t, j, "variant1", cell.Plan.Restarts*cell.Plan.Blocks)
			wantNoWorkers(t, filepath.Base(dir))
			for _, log := range glob(t, filepath.Join(dir, record.LogsDir, "*")) {
				if info, err := os.Stat(log); err != nil || info.Size() > maxLog+200 {
					t.Errorf("log %s has %d bytes; want at most %d", log, info.Size(), maxLog)
				}
			}
		})
	}
}

func TestLosingTheControlEndsItsCellAndNoOther(t *testing.T) {
	opts := options(t, fakeworker.Script{}, faultyCell(), smallCell("good", 2))
	opts.Cells[0].Arms[0].Worker = "faulty"
	opts.Workers["faulty"] = fake(fakeworker.Script{Name: "faulty", Faults: []fakeworker.Fault{{Do: "crash", At: protocol.OpSample, Nth: 4}}})
	j := journal(t, mustStart(t, opts))
	var cell, arm bool
	for _, e := range j[record.KindStatus] {
		cell = cell || e.Status.Arm == "" && e.Status.Status == record.Crash && strings.HasPrefix(e.Status.Reason, "control control: ")
		arm = arm || e.Status.Arm == "control" && e.Status.Status == record.Crash
	}
	if !cell || !arm {
		t.Errorf("statuses %+v; want one of the control and one of the cell", j[record.KindStatus])
	}
	if n := len(j[record.KindBlock]); n < 6 {
		t.Errorf("%d blocks; want at least the 6 of the other cell", n)
	}
}

func TestArmsThatCannotStartSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*record.Arm, Options)
		status string
		reason string
	}{
		{"no such program", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"/nowhere/lens"}, Install: "build it with: make build"}
		}, record.Failed, "/nowhere/lens is not there; build it with: make build"},
		{"no program on PATH", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"lensbench-no-such-program"}}
		}, record.Failed, "lensbench-no-such-program is not there"},
		{"no such program, which is optional", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"lensbench-no-such-program"}, Install: "install Python 3", Optional: true}
		}, record.Skipped, "lensbench-no-such-program is not there; install Python 3"},
		{"a shim for a program that is not there", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"/bin/sh", "-c", "exit 127"}, Install: "install Python 3", Optional: true}
		}, record.Skipped, "/bin/sh is not there, says what stands for it (exit status 127); install Python 3"},
		{"a shim, of what no machine may do without", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"/bin/sh", "-c", "exit 127"}}
		}, record.Crash, "worker ended instead of answering hello: exit status 127"},
		{"an end with another status", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"/bin/sh", "-c", "exit 1"}, Optional: true}
		}, record.Crash, "worker ended instead of answering hello: exit status 1"},
		{"not a program, which is optional", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"/etc/passwd"}, Install: "install Python 3", Optional: true}
		}, record.Skipped, "cannot start /etc/passwd: fork/exec /etc/passwd: permission denied; install Python 3"},
		{"not a program", func(a *record.Arm, o Options) {
			o.Workers["faulty"] = Command{Argv: []string{"/etc/passwd"}}
		}, record.Failed, "cannot start /etc/passwd: "},
		{"no command", func(a *record.Arm, o Options) {}, record.Failed, `no command starts the worker "faulty"`},
		{"a need of a program that is not there", func(a *record.Arm, o Options) {
			a.Needs = []string{"cuda"}
			o.Workers["faulty"] = Command{Argv: []string{"/nowhere/lens"}}
		}, record.Failed, "/nowhere/lens is not there"},
		{"a GPU", needing(nil, "cuda"), record.Skipped, "needs cuda; this machine has none"},
		{"a GPU, says the worker", needing(cpuOnly, "cuda"), record.Skipped, "needs cuda; this machine has none"},
		{"two GPUs, of a worker that does not tell", needing(nil, "2 devices"), record.Skipped, "needs 2 devices; this machine has none"},
		{"two GPUs", needing(cpuOnly, "2 devices"), record.Skipped, "needs 2 devices; this machine has none"},
		{"bf16", needing(cpuOnly, "bf16"), record.Skipped, "needs bf16, which is not in the hardware of this machine: 1 (Example CPU)"},
		{"bf16, of a worker that does not tell", needing(nil, "bf16"), record.Skipped, "needs bf16; this build of the worker lens does not list its devices"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := options(t, fakeworker.Script{}, faultyCell())
			tt.change(&opts.Cells[0].Arms[1], opts)
			s := onlyStatus(t, journal(t, mustStart(t, opts)))
			if s.Arm != "variant1" || s.Status != tt.status || !strings.HasPrefix(s.Reason, tt.reason) {
				t.Errorf("%+v; want %s: %s", s, tt.status, tt.reason)
			}
		})
	}
}

var cpuOnly = []protocol.Device{{Kind: protocol.DeviceCPU, Name: "Example CPU", Features: []string{"avx512_vnni"}}}

// needing gives an arm needs, and a worker with devices.
func needing(devices []protocol.Device, needs ...string) func(*record.Arm, Options) {
	return func(a *record.Arm, o Options) {
		a.Needs = needs
		o.Workers["faulty"] = fake(fakeworker.Script{Devices: devices})
	}
}

func TestAnArmWhoseNeedsAreMetIsMeasured(t *testing.T) {
	opts := options(t, fakeworker.Script{}, faultyCell())
	needing(cpuOnly, "int8")(&opts.Cells[0].Arms[1], opts)
	j := journal(t, mustStart(t, opts))
	wantSamples(t, j, "variant1", 4)
	if n := len(j[record.KindStatus]); n != 0 {
		t.Errorf("%d statuses: %+v", n, j[record.KindStatus][0].Status)
	}
	if d := j[record.KindWorker][0].Worker.Hello.Devices; len(d) == 0 && len(j[record.KindWorker][1].Worker.Hello.Devices) == 0 {
		t.Error("the record does not have the devices")
	}
}

func TestADriverWithoutAWorkerThatUsesIt(t *testing.T) {
	got := missing([]string{"cuda"}, protocol.Hello{Worker: "lens", Devices: cpuOnly}, record.Machine{GPU: "NVIDIA H100"})
	if want := "needs cuda; the driver shows NVIDIA H100, but the worker lens finds no CUDA device"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestACellWhoseArmsDoNotFitIsRefused(t *testing.T) {
	opts := options(t, fakeworker.Script{Weights: 1 << 60}, faultyCell())
	opts.Cells[0].Arms[1].Worker = "lens"
	s := onlyStatus(t, journal(t, mustStart(t, opts)))
	if s.Arm != "" || s.Status != record.Skipped || !strings.Contains(s.Reason, "1.0 EiB for their weights alone") {
		t.Errorf("%+v; want the cell skipped for want of memory", s)
	}
}

// faultyCell is a small cell whose variant is run by the worker "faulty". Its
// requests are hello, prepare, samples (the first iteration, the warm-up, two
// blocks), with verify after the first and the last of them.
func faultyCell() record.Cell {
	c := smallCell("faulty", 2)
	c.Plan = record.Plan{Restarts: 1, Blocks: 4, Warmup: 1, SampleSeconds: 1e-4, TimeLimit: 20}
	for i := range c.Arms {
		c.Arms[i].Settings.Batch = 1
	}
	c.Arms[1].Worker = "faulty"
	return c
}

func mustStart(t *testing.T, opts Options) string {
	t.Helper()
	dir, err := Start(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func onlyStatus(t *testing.T, j map[string][]record.Entry) record.StatusEntry {
	t.Helper()
	if n := len(j[record.KindStatus]); n != 1 {
		t.Fatalf("%d statuses; want 1: %+v", n, j[record.KindStatus])
	}
	return *j[record.KindStatus][0].Status
}

func wantSamples(t *testing.T, j map[string][]record.Entry, arm string, want int) {
	t.Helper()
	n := 0
	for _, e := range j[record.KindBlock] {
		for _, s := range e.Block.Samples {
			if s.Arm == arm {
				n++
			}
		}
	}
	if n != want {
		t.Errorf("%d samples of %s; want %d", n, arm, want)
	}
}

// wantNoWorkers looks for processes of a run anywhere on this machine.
func wantNoWorkers(t *testing.T, run string) {
	t.Helper()
	for _, path := range glob(t, "/proc/[0-9]*/environ") {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), markKey+"="+run) {
			t.Errorf("a worker of run %s is left: %s", run, path)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
