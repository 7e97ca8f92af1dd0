package baseline_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lensbench/baseline"
	"lensbench/record"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func export(t *testing.T, run record.Run, entries []record.Entry) string {
	t.Helper()
	var b bytes.Buffer
	if err := baseline.WriteBench(&b, run, entries); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteBench(t *testing.T) {
	run := planned("20260301T040506Z-aaaaaa")
	golden(t, "run.bench", export(t, run, journal(run, 1.25)))
}

// TestWriteBenchOfInterruptedRun has lines for what was measured, and no zeros
// for what was not.
func TestWriteBenchOfInterruptedRun(t *testing.T) {
	run := planned("20260301T040506Z-aaaaaa")
	golden(t, "interrupted.bench", export(t, run, journal(run, 1.25)[:5]))
}

// TestCommandReads runs the real tool on an exported file: it complains about
// nothing and finds every arm.
func TestCommandReads(t *testing.T) {
	cmd := exec.Command("go", "tool", "golang.org/x/perf/cmd/benchstat", "testdata/run.bench", "testdata/interrupted.bench")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil || errOut.Len() > 0 {
		t.Fatalf("benchstat: %v\n%s", err, &errOut)
	}
	golden(t, "benchstat.txt", out.String())
}

func TestExportedIsReadBack(t *testing.T) {
	run := planned("20260301T040506Z-aaaaaa")
	want := baseline.Export(run, journal(run, 1.25))
	got, err := baseline.ReadBench(strings.NewReader(export(t, run, journal(run, 1.25))), "run.bench")
	if err != nil {
		t.Fatal(err)
	}
	want.Machine.CPUModel = "Example CPU @ 2.10GHz" // the format keeps words, not blanks
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read back\n%+v\nwant\n%+v", got, want)
	}
}

func TestReadBenchErrors(t *testing.T) {
	const ok = "BenchmarkA 1 1 sec/op\n"
	for _, test := range []struct{ what, text, want string }{
		{"empty", "", "x.bench: no benchmark results"},
		{"something else", "hello\nworld\n", "x.bench: no benchmark results"},
		{"no iterations", ok + "BenchmarkA \n", "x.bench:2: missing iteration count"},
		{"iterations", ok + "BenchmarkA many 1 sec/op\n", "x.bench:2: parsing iteration count: invalid syntax"},
		{"measurement", "\n\nBenchmarkA 1 fast sec/op\n", "x.bench:3: parsing measurement: invalid syntax"},
		{"unit", ok + ok + "BenchmarkA 1 1\n", "x.bench:3: missing units"},
		{"unit line", "Unit x better\n" + ok, "x.bench:1: expected key=value"},
		{"contradiction", "Unit x better=lower\nUnit x better=higher\n" + ok, "x.bench:2: metadata better of unit x already set to lower"},
		{"processors", "cpus: two\n" + ok, `x.bench:2: cpus is "two"; want a whole number`},
		{"memory", "cpus: 2\nmemory: 8 GiB\n" + ok, `x.bench:3: memory is "8 GiB"; want a whole number`},
		{"two machines", "cpus: 2\n" + ok + "cpus: 4\n" + ok,
			"x.bench:4: from another machine than the lines before: [cpus 4, not 2]; want a file for each machine"},
	} {
		_, err := baseline.ReadBench(strings.NewReader(test.text), "x.bench")
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: error is %v; want %s", test.what, err, test.want)
		}
	}
}

// TestReadBenchOfOtherTools takes what go test -bench writes, in base units,
// and does not make up a machine for it.
func TestReadBenchOfOtherTools(t *testing.T) {
	const text = "goos: linux\ncpu: Some CPU\nBenchmarkA-8   \t 20\t 50000000 ns/op\t 3 MB/s\nPASS\nok  \tx\t1.2s\n"
	got, err := baseline.ReadBench(strings.NewReader(text), "go.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.Results{Lines: []baseline.Line{{
		Name: "A-8", Iterations: 20, Values: []baseline.Value{{Unit: "sec/op", Value: 0.05}, {Unit: "B/s", Value: 3e6}},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v; want %+v", got, want)
	}
}

// FuzzReadBench: whatever can be read is written so that it reads the same.
func FuzzReadBench(f *testing.F) {
	for _, name := range []string{"run.bench", "interrupted.bench"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("Unit ns better=lower x=\ncpus: 2\ngpu: a  b\nBenchmarkA/b=c-2 -1 +Inf ns/op 1e-320 MB 0x1p-2 x\n"))
	f.Add([]byte("cpu: x\nBenchmarka 1 1 a\ngpu:\nBenchmark 1 2 b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := baseline.ReadBench(bytes.NewReader(b), "first")
		if err != nil {
			if !errors.Is(err, baseline.ErrNoResults) && !strings.HasPrefix(err.Error(), "first:") {
				t.Errorf("error %q does not begin with the name and line", err)
			}
			return
		}
		var text bytes.Buffer
		if err := first.Write(&text); err != nil {
			t.Fatal(err)
		}
		second, err := baseline.ReadBench(&text, "second")
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if got, want := show(second), show(first); got != want {
			t.Errorf("read back\n%s\nwant\n%s", got, want)
		}
	})
}

// show is the results as they are written, in which NaN equals NaN.
func show(r baseline.Results) string {
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return err.Error()
	}
	return b.String()
}
