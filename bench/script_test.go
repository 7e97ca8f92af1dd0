package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lensbench/runner/fakeworker"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// TestMain makes this binary the programs that scripts run: bench itself, and a
// worker that does no work in place of lens and of the PyTorch peer.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bench":      main,
		"fakeworker": fakeWorker,
	})
}

// fakeWorker is a worker that behaves as the script in FAKE says, in JSON; a
// good one without.
func fakeWorker() {
	script := os.Getenv("FAKE")
	if script == "" {
		script = "{}"
	}
	os.Setenv("LENSBENCH_FAKEWORKER", script)
	fakeworker.Main()
}

// await waits until a file that matches the pattern holds the text:
//
//	await 'runs/*/journal.jsonl' block
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await PATTERN TEXT")
	}
	for range 12000 { // two minutes: under the race detector programs start slowly
		paths, _ := filepath.Glob(ts.MkAbs(args[0]))
		for _, path := range paths {
			if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), args[1]) {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("no %s with %q within 2 min", args[0], args[1])
}

// TestScripts: what users see. Each script is a session in an empty directory.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"await": await},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", e.WorkDir) // the lock of this machine, too: tests are not runs
			e.Setenv("LENSBENCH_CACHE", e.WorkDir+"/cache")
			e.Setenv("LENSBENCH_LENS", "fakeworker")
			e.Setenv("LENSBENCH_PYTHON", "fakeworker")
			e.Setenv("LENSBENCH_PEER", "worker")
			return nil
		},
	})
}
