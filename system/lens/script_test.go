package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lensbench/system/nn"
	"lensbench/system/npy"
)

func TestMain(m *testing.M) {
	_ = os.Getenv("LENSBENCH_SHIM_HASH") // see torchtest.Main
	testscript.Main(m, map[string]func(){"lens": main})
}

// TestScripts: what users see. Each script is a session in an empty directory.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"images": writeImages,
			"logits": sameLogits,
			"expand": expand,
			"alike":  alike,
			"slay":   slay,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("LENSBENCH_CACHE", e.WorkDir+"/cache")
			return nil
		},
	})
}

// writeImages is the command
//
//	images FILE N BANDS PIXELS [nan]
//
// which writes formula images; with nan, the last value is not a number.
func writeImages(ts *testscript.TestScript, _ bool, args []string) {
	var shape []int
	for _, a := range args[1:4] {
		n, err := strconv.Atoi(a)
		ts.Check(err)
		shape = append(shape, n)
	}
	shape = append(shape, shape[2])
	data := make([]float32, shape[0]*shape[1]*shape[2]*shape[3])
	nn.Formula{Seed: 1}.Uniform("images", 1, 0, data)
	if len(args) > 4 {
		data[len(data)-1] = float32(math.NaN())
	}
	ts.Check(npy.WriteFile(ts.MkAbs(args[0]), shape, data))
}

// alike is the command
//
//	alike A B TOLERANCE
//
// which compares two images, relative to the peak of the first.
func alike(ts *testscript.TestScript, _ bool, args []string) {
	_, a, err := npy.ReadFile[float64](ts.MkAbs(args[0]))
	ts.Check(err)
	_, b, err := npy.ReadFile[float64](ts.MkAbs(args[1]))
	ts.Check(err)
	tolerance, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	if len(a) != len(b) {
		ts.Fatalf("%d and %d pixels", len(a), len(b))
	}
	worst, peak := 0.0, 0.0
	for i := range a {
		worst, peak = max(worst, math.Abs(a[i]-b[i])), max(peak, a[i])
	}
	if !(worst <= tolerance*peak) {
		ts.Fatalf("%s and %s differ by %.1e of the peak", args[0], args[1], worst/peak)
	}
}

// sameLogits is the command
//
//	logits A B TOLERANCE
//
// which compares two files of logits; values must not all be equal.
func sameLogits(ts *testscript.TestScript, neg bool, args []string) {
	_, a, err := npy.ReadFile[float32](ts.MkAbs(args[0]))
	ts.Check(err)
	_, b, err := npy.ReadFile[float32](ts.MkAbs(args[1]))
	ts.Check(err)
	tolerance, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	same := len(a) == len(b)
	for i := 0; same && i < len(a); i++ {
		same = math.Abs(float64(a[i]-b[i])) <= tolerance*max(1, math.Abs(float64(b[i])))
	}
	if same == neg {
		ts.Fatalf("%s and %s: equal within %v is %v:\n%v\n%v", args[0], args[1], tolerance, same, a, b)
	}
	if len(a) > 1 && allEqual(a) {
		ts.Fatalf("%s: every logit is %v", args[0], a[0])
	}
}

// expand is the command
//
//	expand FILE
//
// which replaces $VARIABLE in a file.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// slay is the command
//
//	slay RANK
//
// which kills the process of that rank that lens has started in this directory.
func slay(ts *testscript.TestScript, _ bool, args []string) {
	mark := "RANK=" + args[0]
	processes, err := filepath.Glob("/proc/[0-9]*")
	ts.Check(err)
	for _, p := range processes {
		env, _ := os.ReadFile(p + "/environ") // of others it cannot be read
		dir, _ := os.Readlink(p + "/cwd")
		if dir == ts.MkAbs(".") && slices.Contains(strings.Split(string(env), "\x00"), mark) {
			pid, err := strconv.Atoi(filepath.Base(p))
			ts.Check(err)
			ts.Check(syscall.Kill(pid, syscall.SIGKILL))
			return
		}
	}
	ts.Fatalf("no process of rank %s in %s", args[0], ts.MkAbs("."))
}

func allEqual(v []float32) bool {
	for _, x := range v {
		if x != v[0] {
			return false
		}
	}
	return true
}
