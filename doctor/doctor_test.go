package doctor

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lensbench/runner"
)

func TestQuiet(t *testing.T) {
	for _, c := range []struct {
		name  string
		usage usage
		load  Level
		steal Level
		says  string
	}{
		{"idle", usage{window: 1}, Fine, Fine, "nothing else"},
		{"below the threshold", usage{window: 1, top: []eater{{7, "cron", 0.04}}}, Fine, Fine, "nothing else"},
		{"a neighbour", usage{window: 1, top: []eater{{42, "ffmpeg", 0.5}, {7, "cron", 0.1}}}, Warning, Fine, "60 % of the machine, most of it ffmpeg (process 42)"},
		{"many small ones", usage{window: 1, top: []eater{{1, "a", 0.02}, {2, "b", 0.02}, {3, "c", 0.02}}}, Warning, Fine, "6 %"},
		{"stolen", usage{window: 1, steal: 0.2}, Fine, Warning, "nothing else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.usage.findings()
			if got[0].Level != c.load || got[1].Level != c.steal {
				t.Errorf("levels %v %v, want %v %v", got[0].Level, got[1].Level, c.load, c.steal)
			}
			if !strings.Contains(got[0].Says, c.says) {
				t.Errorf("says %q, want %q in it", got[0].Says, c.says)
			}
		})
	}
}

func TestSpace(t *testing.T) {
	if f := available(1 << 30); f.Level != Warning || f.Fix == "" {
		t.Errorf("1 GiB of memory: %+v", f)
	}
	if f := available(64 << 30); f.Level != Fine {
		t.Errorf("64 GiB of memory: %+v", f)
	}
	if f := room("cache", "/c", 1<<20, "fix"); f.Level != Warning || f.Fix != "fix" {
		t.Errorf("1 MiB of disk: %+v", f)
	}
	if f := disk("runs", filepath.Join(t.TempDir(), "not", "yet"), "fix"); f.Level == Fatal {
		t.Errorf("a directory that can be made: %+v", f)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if f := disk("runs", filepath.Join(file, "runs"), "fix"); f.Level != Fatal || !strings.Contains(f.Says, file+" is not a directory") {
		t.Errorf("a directory that cannot be made: %+v", f)
	}
}

func TestGovernor(t *testing.T) {
	for class, want := range map[string]Level{"performance": Fine, "powersave": Warning, "other": Warning, "none": Fine} {
		if f := governor(class); f.Level != want || (want == Warning) != (f.Fix != "") {
			t.Errorf("%s: %+v, want level %v", class, f, want)
		}
	}
}

// A machine on which nothing was built: every problem is named with what to
// do, and the examination ends.
func TestExamineBareMachine(t *testing.T) {
	dir := t.TempDir()
	all := Examine(context.Background(), Options{
		Workers: map[string]runner.Command{"lens": {Argv: []string{dir + "/lens"}}, "pytorch": {Argv: []string{dir + "/python"}}},
		Shim:    dir + "/liblt.so.1", Cache: dir, Runs: dir, Watch: time.Millisecond,
	})
	if Worst(all) != Fatal {
		t.Error("a machine without lens is fit to run")
	}
	var out bytes.Buffer
	if err := Write(&out, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FAIL  lens", "FAIL  libtorch", "--    PyTorch peer", "fix: make build", "processor", "runs"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestRunpathOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liblt.so.1")
	if err := os.WriteFile(path, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := runpath(path); err == nil {
		t.Error("no error for a file that is no library")
	}
}
