package benchstat_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"lensbench/baseline/benchstat"
)

// command is the path of the real tool, built by the go command.
var command = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "golang.org/x/perf/cmd/benchstat").Output()
	return strings.TrimSpace(string(out)), err
})

// TestSameAsCommand feeds every archive of testdata to the command and to this
// package, as text and as CSV: standard output and standard error are equal to
// the byte.
func TestSameAsCommand(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata: %d archives, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			var names []string
			for _, f := range ar.Files {
				files[f.Name] = f.Data
				names = append(names, f.Name)
			}
			compare(t, names, files)
		})
	}
}

// TestSameInputTwice names an input twice; its columns are numbered.
func TestSameInputTwice(t *testing.T) {
	files := map[string][]byte{
		"a": []byte("BenchmarkA 1 1 sec/op\nBenchmarkA 1 2 sec/op\n"),
		"b": []byte("BenchmarkA 1 3 sec/op\n"),
	}
	compare(t, []string{"a", "b", "a"}, files)
}

// TestSameAsCommandOnRandomInputs does the same with inputs that nobody chose.
// The seed is fixed, so a failure comes back.
func TestSameAsCommandOnRandomInputs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		names, files := randomInputs(r)
		t.Run(fmt.Sprint(i), func(t *testing.T) { compare(t, names, files) })
	}
}

func randomInputs(r *rand.Rand) ([]string, map[string][]byte) {
	files := map[string][]byte{}
	var names []string
	for i := range 1 + r.IntN(3) {
		name := fmt.Sprintf("input%d%s", i, strings.Repeat("-", r.IntN(30)))
		names = append(names, name)
		files[name] = randomInput(r)
	}
	return names, files
}

func randomInput(r *rand.Rand) []byte {
	units := []string{"sec/op", "ns/op", "samples/s", "B", "MB/s", "tensor-B", "some-quite-long-unit/op"}
	var b bytes.Buffer
	b.WriteString("Unit tensor-B assume=exact\n")
	for range r.IntN(5) {
		if r.IntN(4) == 0 {
			fmt.Fprintf(&b, "cpus: %d\n", 1+r.IntN(2))
		}
		name, unit := fmt.Sprintf("Name%0*d", 1+r.IntN(12), r.IntN(3)), units[r.IntN(len(units))]
		mid, spread := []float64{0, 1e-9, 1, 1234, 1e9}[r.IntN(5)], []float64{0, 1e-4, 0.1, 1}[r.IntN(4)]
		for range 1 + r.IntN(9) {
			fmt.Fprintf(&b, "Benchmark%s 1 %v %s\n", name, mid*(1+spread*r.NormFloat64()), unit)
		}
	}
	return b.Bytes()
}

// compare runs the command and this package on the files.
func compare(t *testing.T, names []string, files map[string][]byte) {
	t.Helper()
	bin, err := command()
	if err != nil {
		t.Fatalf("go tool -n benchstat: %v", err)
	}
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{"text", "csv"} {
		cmd := exec.Command(bin, append([]string{"-format", format}, names...)...)
		cmd.Dir = dir
		var want, wantErr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &want, &wantErr
		if err := cmd.Run(); err != nil {
			t.Fatalf("benchstat: %v\n%s", err, &wantErr)
		}
		got, gotErr := render(t, format, names, files)
		equal(t, format, got, want.String())
		equal(t, format+" on standard error", gotErr, wantErr.String())
	}
}

func render(t *testing.T, format string, names []string, files map[string][]byte) (out, errOut string) {
	t.Helper()
	var inputs []benchstat.Input
	for _, name := range names {
		inputs = append(inputs, benchstat.Input{Label: name, Data: bytes.NewReader(files[name])})
	}
	tables, err := benchstat.Read(inputs)
	if err != nil {
		t.Fatal(err)
	}
	var w, wErr bytes.Buffer
	for _, p := range tables.Problems {
		fmt.Fprintln(&wErr, p)
	}
	if format == "csv" {
		err = tables.WriteCSV(&w, &wErr)
	} else {
		err = tables.WriteText(&w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.String(), wErr.String()
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s differs from the command's\ngot:\n%s\nwant:\n%s", what, got, want)
	}
}

// TestReadError says which input and line could not be read.
func TestReadError(t *testing.T) {
	long := "BenchmarkA 1 1 sec/op\n" + strings.Repeat("x", 1<<17)
	_, err := benchstat.Read([]benchstat.Input{{Label: "a.bench", Data: strings.NewReader(long)}})
	if err == nil || !strings.HasPrefix(err.Error(), "a.bench:1: ") {
		t.Errorf("error is %v; want one that begins with a.bench:1", err)
	}
}

// TestNotANumber leaves NaN out, with which the command would hang.
func TestNotANumber(t *testing.T) {
	files := map[string][]byte{
		"a": []byte("BenchmarkA 1 1 sec/op\nBenchmarkA 1 NaN sec/op\n"),
		"b": []byte("BenchmarkA 1 2 sec/op\n"),
	}
	out, problems := render(t, "text", []string{"a", "b"}, files)
	if want := "a:2: sec/op of A is not a number\n"; problems != want {
		t.Errorf("problems are %q; want %q", problems, want)
	}
	if !strings.Contains(out, "n=1") {
		t.Errorf("want one value in each cell, got:\n%s", out)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Unit x better=lower\ncpu: a\nBenchmarkA/b=c-2 1 2 sec/op 3 B\n"), []byte("BenchmarkA 1 NaN x\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		tables, err := benchstat.Read([]benchstat.Input{{Label: "a", Data: bytes.NewReader(a)}, {Label: "b", Data: bytes.NewReader(b)}})
		if err != nil {
			return
		}
		if err := tables.WriteText(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
		if err := tables.WriteCSV(&bytes.Buffer{}, &bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}
