// Package peer holds the PyTorch worker; these are its tests without PyTorch,
// in any python3. With PyTorch it is compared with lens by the scenarios called
// peer-… and by scripts/check_pytorch_roundtrip.py.
package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/system/nn"
)

// python returns what a python3 without installed packages prints.
func python(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("python3", append([]string{"-S", "-B"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3 %v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// TestWithoutPyTorch: everything but close is answered with the command that
// installs PyTorch for this very interpreter.
func TestWithoutPyTorch(t *testing.T) {
	requests := []string{
		`{"id": 1, "op": "hello"}`,
		`{"id": 2, "op": "prepare", "prepare": {"settings": {"kind": "inference", "model": "resnet18"}, "pass": "time", "cache": ""}}`,
		`{"id": 3, "op": "dance"}`,
		`no JSON`,
		`{"id": 5, "op": "close"}`,
		`{"id": 6, "op": "hello"}`,
	}
	executable := strings.TrimSpace(python(t, "", "-c", "import sys; print(sys.executable)"))
	install := executable + " -m pip install torch==2.11.0 torchvision==0.26.0"
	want := []struct {
		id            int
		kind, message string // empty: no error
	}{
		{1, protocol.Unsupported, install},
		{2, protocol.Unsupported, install},
		{3, protocol.BadRequest, "unknown operation 'dance'"},
		{0, protocol.BadRequest, "request is not JSON"},
		{5, "", ""},
	}
	lines := strings.Split(strings.TrimSpace(python(t, strings.Join(requests, "\n"), "pytorch_worker.py")), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d answers, want %d: %q", len(lines), len(want), lines)
	}
	for i, w := range want {
		var r protocol.Response
		if err := json.Unmarshal([]byte(lines[i]), &r); err != nil || r.ID != w.id {
			t.Fatalf("%s: %v, want the answer to %d", lines[i], err, w.id)
		}
		switch {
		case w.kind == "" && r.Error != nil:
			t.Errorf("%s: %v", requests[i], r.Error)
		case w.kind != "" && (r.Error == nil || r.Error.Kind != w.kind || !strings.Contains(r.Error.Message, w.message)):
			t.Errorf("%s: %+v, want %s: %s", requests[i], r.Error, w.kind, w.message)
		}
	}
}

// TestFormula: both languages compute the same numbers.
func TestFormula(t *testing.T) {
	const program = `
import json
import pytorch_worker as p
key = p.mix(p.fnv1a("backbone.λ") ^ p.mix(77))
print(json.dumps([(p.mix(key + (i + 1) * p.INCREMENT & p.MASK) >> 40) - (1 << 23) for i in range(100)]))`
	var want []float32
	if err := json.Unmarshal([]byte(python(t, "", "-c", program)), &want); err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want))
	nn.Formula{Seed: 77}.Uniform("backbone.λ", 1<<23, 0, got)
	if !slices.Equal(got, want) {
		t.Errorf("Go %v\nPython %v", got, want)
	}
}

// TestProfile: time counts where it was spent, once, and once also where threads
// overlap. The outer call of the first thread has two inner ones.
func TestProfile(t *testing.T) {
	const program = `
import json
from types import SimpleNamespace as S
import pytorch_worker as p
class Range:
    def __init__(self, start, end):
        self.start, self.end = start, end
    def elapsed_us(self):
        return self.end - self.start
def event(name, thread, start, end, children=()):
    e = S(name=name, thread=thread, time_range=Range(start, end), cpu_parent=None, cpu_children=list(children))
    for c in children:
        c.cpu_parent = e
    return e
inner = [event("mm", 1, 10, 40), event("add", 1, 50, 60)]
other = event("mm", 2, 80, 130)
many = [event("op%d" % i, 1, 200 + i, 200.5 + i) for i in range(40)]
print(json.dumps(p.table([event("linear", 1, 0, 100, inner), *inner, other, *many], 300e-6)))`
	var got protocol.Profile
	if err := json.Unmarshal([]byte(python(t, "", "-c", program)), &got); err != nil {
		t.Fatal(err)
	}
	us := func(s float64) int { return int(math.Round(s * 1e6)) }
	want := map[string][2]int{"mm": {2, 80}, "linear": {1, 60}, "add": {1, 10}}
	for i, name := range []string{"mm", "linear", "add"} {
		if o := got.Operators[i]; o.Name != name || int(o.Calls) != want[name][0] || us(o.Seconds) != want[name][1] {
			t.Errorf("%+v; want calls and µs %v of %s", o, want[name], name)
		}
	}
	if us(got.Busy) != 150 || us(got.Wall) != 300 || got.Threads != 2 {
		t.Errorf("busy %v of %v s on %d threads; want 150 of 300 µs on 2", got.Busy, got.Wall, got.Threads)
	}
	if o := got.Other; len(got.Operators) != protocol.MostOperators || o == nil || o.Calls != 3 || math.Abs(o.Seconds-1.5e-6) > 1e-12 {
		t.Errorf("%d operators and others %+v; want %d and 3 calls of 1.5 µs", len(got.Operators), o, protocol.MostOperators)
	}
}

// TestSettings: the settings that the peer knows are the protocol's, with their
// limits and the kinds of work that they belong to.
func TestSettings(t *testing.T) {
	const program = `
import json
import pytorch_worker as p
def limits(v):
    if v is bool:
        return []
    return [v[0], v[-1]] if isinstance(v, range) else list(v[0] if isinstance(v, list) else v)
print(json.dumps({k: limits(v) for k, v in p.SETTINGS.items()}))
print(json.dumps(p.ONLY))`
	var settings map[string][]any
	var only map[string]string
	d := json.NewDecoder(strings.NewReader(python(t, "", "-c", program)))
	if err := errors.Join(d.Decode(&settings), d.Decode(&only)); err != nil {
		t.Fatal(err)
	}
	for key, allowed := range settings {
		f, ok := protocol.FieldByKey(key)
		for _, kind := range []string{"inference", "train"} {
			theirs := only[key] == "" || only[key] == kind
			if ours := len(f.Kinds) == 0 || slices.Contains(f.Kinds, kind); !ok || ours != theirs {
				t.Errorf("%s: a setting of %s to the peer is %v, to the protocol %v", key, kind, theirs, ok && ours)
			}
		}
		if want := limits(f); key != "kind" && fmt.Sprint(allowed) != fmt.Sprint(want) {
			t.Errorf("%s: %v, the protocol says %v", key, allowed, want)
		}
	}
}

// TestEverySetting: what a scenario can ask of an arm is followed, or refused with a
// reason, so that the arm is skipped; a setting that is forgotten here would make it an
// error.
func TestEverySetting(t *testing.T) {
	const program = `
import json
import pytorch_worker as p
print(json.dumps(sorted([*p.SETTINGS, *p.UNSUPPORTED])))`
	var known []string
	if err := json.Unmarshal([]byte(python(t, "", "-c", program)), &known); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range protocol.Fields() {
		want = append(want, f.Key)
	}
	slices.Sort(want)
	if !slices.Equal(known, want) {
		t.Errorf("the peer knows %v, the protocol has %v", known, want)
	}
}

// TestRefusedSettings: each is one mistake, or what PyTorch does not do.
func TestRefusedSettings(t *testing.T) {
	cases := []struct{ settings, kind, message string }{
		{`{"kind": "train", "model": "resnet18", "colour": 1}`, protocol.UnknownSetting, "setting 'colour' is not known"},
		{`{"kind": "train", "model": "resnet18", "source": "disk"}`, protocol.Unsupported, "source: images on disk are read by lens's loader"},
		{`{"kind": "train", "model": "resnet18", "budget": 405, "adaptive": "doubling"}`, protocol.Unsupported, "budget: PyTorch does not count the bytes of CPU tensors"},
		{`{"kind": "train", "model": "resnet18", "monitor": "rss"}`, protocol.Unsupported, "monitor: PyTorch does not count"},
		{`{"kind": "train", "model": "resnet18", "scales": ["64", "112"], "scale_split": true}`, protocol.Unsupported, "scale_split: groups of scales"},
		{`{"kind": "train", "model": "resnet18", "optimizer": "loop", "ranks": 0, "source": ""}`, "", ""},
		{`{"kind": "train", "model": "resnet18", "optimizer": "looped"}`, protocol.UnknownSetting, "optimizer: 'looped' is not known"},
		{`{"kind": "train"}`, protocol.BadRequest, "setting 'model' is missing"},
		{`{"kind": "inference", "model": "resnet18", "optimizer": "loop"}`, protocol.BadRequest, "'optimizer' does not belong to kind inference, but to train"},
		{`{"kind": "train", "model": "resnet18", "engine": "openvino"}`, protocol.BadRequest, "'engine' does not belong to kind train, but to inference"},
		{`{"kind": "inference", "model": "resnet18", "engine": "tensorrt"}`, protocol.UnknownSetting, "engine: 'tensorrt' is not known to this worker, want eager, torchscript, compile, x86, onnxruntime, openvino"},
		{`{"kind": "inference", "model": "resnet18", "precision": "fp16"}`, protocol.Unsupported, "engine eager in precision fp16: it has fp32, bf16; no engine has fp16"},
		{`{"kind": "inference", "model": "resnet18", "engine": "onnxruntime", "precision": "bf16"}`, protocol.Unsupported, "engine onnxruntime in precision bf16: it has fp32, int8; bf16 has eager, torchscript, compile, openvino"},
		{`{"kind": "inference", "model": "resnet18", "engine": "x86", "precision": "fp32"}`, protocol.Unsupported, "engine x86 in precision fp32: it has int8"},
		{`{"kind": "inference", "model": "resnet18", "engine": "openvino", "layout": "channels-last"}`, protocol.Unsupported, "engine openvino with layout channels-last: it takes images as they are"},
		{`{"kind": "inference", "model": "resnet18", "plan": "bf16"}`, protocol.Unsupported, "plan: plans are lens's; compare with engine"},
		{`{"kind": "train", "model": "resnet18", "precision": "int8"}`, protocol.Unsupported, "precision int8: training is in fp32, bf16 or fp16"},
		{`{"kind": "inference", "model": "resnet18", "engine": "compile", "layout": "channels-last", "precision": "bf16"}`, "", ""},
		{`{"kind": "train", "model": "resnet18", "precision": "fp8"}`, protocol.UnknownSetting, "precision: 'fp8' is not known"},
		{`{"kind": "train", "model": "resnet18", "accumulate": true}`, protocol.BadRequest, "accumulate: True, want an integer from 1 to 4096"},
		{`{"kind": "train", "model": "resnet18", "compile": 1}`, protocol.BadRequest, "compile: 1, want true or false"},
		{`{"kind": "train", "model": "resnet18", "compile": true, "checkpointing": "block"}`, protocol.Unsupported, "compile with checkpointing"},
		{`{"kind": "train", "model": "resnet18", "scales": "64"}`, protocol.BadRequest, "scales: '64', want a list"},
		{`{"kind": "train", "model": "resnet18", "scales": ["64", "65"]}`, protocol.UnknownSetting, "scales: '65' is not known"},
		{`{"kind": "train", "model": "resnet18", "scales": ["64"]}`, protocol.BadRequest, "scales 64: want two or more different ones"},
		{`{"kind": "train", "model": "resnet18", "scale_mode": "summed"}`, protocol.BadRequest, "scale_mode without scales"},
		{`{"kind": "train", "model": "resnet18", "scales": ["64", "96"], "scale_mode": "grouped"}`, protocol.Unsupported, "scale_mode grouped"},
		{`{"kind": "train", "model": "vit_b_16", "scales": ["64", "224"]}`, protocol.Unsupported, "images of 64 pixels: want 224"},
		{`{"kind": "train", "model": "resnet18", "ranks": 65}`, protocol.BadRequest, "ranks: 65, want an integer from 1 to 64"},
		{`{"kind": "train", "model": "resnet18", "batch": 2, "ranks": 2, "check_images": 6}`, protocol.BadRequest, "check_images: 6, want a multiple of 4 images"},
		{`{"kind": "train", "model": "resnet18", "ranks": 2, "compile": true}`, protocol.Unsupported, "compile with ranks"},
		{`{"kind": "train", "model": "resnet18", "ranks": 2, "scales": ["64", "96"]}`, protocol.Unsupported, "scales with ranks"},
		{`{"kind": "inference", "model": "resnet18", "ranks": 2}`, protocol.BadRequest, "'ranks' does not belong to kind inference, but to train"},
		{`{"kind": "train", "model": "resnet18", "precision": "", "compile": false, "scales": []}`, "", ""},
		{`{"kind": "train", "model": "resnet18", "batch": 2, "ranks": 2, "check_images": 8}`, "", ""},
	}
	const program = `
import json, sys
import pytorch_worker as p
for line in sys.stdin:
    try:
        p.parse_settings(json.loads(line))
        print(json.dumps(["", ""]))
    except p.Refusal as r:
        print(json.dumps([r.kind, str(r)]))`
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.settings)
	}
	d := json.NewDecoder(strings.NewReader(python(t, strings.Join(lines, "\n"), "-c", program)))
	for _, c := range cases {
		var got [2]string
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got[0] != c.kind || !strings.Contains(got[1], c.message) {
			t.Errorf("%s\n got %q\nwant %s: %s", c.settings, got, c.kind, c.message)
		}
	}
}

// TestPackages: an engine whose package is not there is refused with the command that
// installs what it needs, in the versions of the list that README names.
func TestPackages(t *testing.T) {
	const program = `
import json
import pytorch_engines as e
e.importlib.import_module = lambda name: {"onnx": 1, "onnxscript": 1}[name] if name.startswith("onnx") and name != "onnxruntime" else e.missing()
def missing():
    raise ImportError("No module named so")
e.missing = missing
for engine, has in e.PRECISIONS.items():
    for precision in has:
        try:
            e.import_packages(engine, precision)
            print(json.dumps([engine, precision, ""]))
        except e.Unsupported as u:
            print(json.dumps([engine, precision, str(u).removeprefix("cannot import ").replace(e.sys.executable, "python")]))
print(json.dumps([e.VERSIONS]))`
	const onnx = "python -m pip install onnx==1.23.2 onnxscript==0.7.2 "
	want := map[string]string{
		"onnxruntime fp32": "onnxruntime (No module named so); install what engine onnxruntime needs with: " + onnx + "onnxruntime==1.32.0",
		"onnxruntime int8": "onnxruntime (No module named so); install what engine onnxruntime needs with: " + onnx + "onnxruntime==1.32.0",
		"openvino fp32":    "openvino (No module named so); install what engine openvino needs with: " + onnx + "openvino==2026.4.1",
		"openvino bf16":    "openvino (No module named so); install what engine openvino needs with: " + onnx + "openvino==2026.4.1",
		"openvino int8":    "openvino (No module named so); install what engine openvino needs with: " + onnx + "openvino==2026.4.1 nncf==3.4.0",
	}
	d := json.NewDecoder(strings.NewReader(python(t, "", "-c", program)))
	for range 12 { // all precisions of all engines
		var got [3]string
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got[2] != want[got[0]+" "+got[1]] {
			t.Errorf("%s %s: %q, want %q", got[0], got[1], got[2], want[got[0]+" "+got[1]])
		}
	}
	var versions [1]map[string]string
	if err := d.Decode(&versions); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("pytorch_requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range versions[0] {
		if !strings.Contains(string(list), "\n"+name+"=="+version+"\n") {
			t.Errorf("pytorch_requirements.txt lacks %s==%s", name, version)
		}
	}
}

// TestCalibration: ranges come from the 32 images after those of the batch, as
// system/worker has them, in batches of the size that a graph is for.
func TestCalibration(t *testing.T) {
	const program = `
import pytorch_worker as p
p.images_from = lambda settings, first, count: (first, count)
print(list(p.calibration_images({"batch": 5})))`
	const want = "[(5, 4), (9, 4), (13, 4), (17, 4), (21, 4), (25, 4), (29, 4), (33, 4)]\n"
	if got := python(t, "", "-c", program); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSegments: a policy of checkpoints cuts the blocks as nn.Policy says.
func TestSegments(t *testing.T) {
	const program = `
import pytorch_worker as p
for policy in ("block", "stage", "every-2", "every-3"):
    print(policy, p.segments([["a", "b", "c"], ["d", "e"]], policy))`
	const want = `block [['a'], ['b'], ['c'], ['d'], ['e']]
stage [['a', 'b', 'c'], ['d', 'e']]
every-2 [['a', 'b'], ['c', 'd'], ['e']]
every-3 [['a', 'b', 'c'], ['d', 'e']]
`
	if got := python(t, "", "-c", program); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCompany: rank 0 gets the others' replies in their order. One that fails or is
// killed is named, every time from then on, and ends the others.
func TestCompany(t *testing.T) {
	const program = `
import os, signal, subprocess, sys
import pytorch_worker as p

GOOD = "for line in sys.stdin: print('{\"seconds\": %d}', flush=True)"
FAILS = "input(); print('{\"error\": {\"kind\": \"out-of-memory\", \"message\": \"no room\"}}', flush=True)"
ENDS = "input()"

def company(*programs):
    c = object.__new__(p.Company)
    c.lost = None
    c.processes = [subprocess.Popen([sys.executable, "-S", "-c", "import sys\n" + text], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, encoding="utf-8") for text in programs]
    return c

def own():
    return "own"

def breaks():
    raise RuntimeError("connection closed by peer")

def killed():
    os.kill(c.processes[1].pid, signal.SIGKILL)
    breaks()

for programs, f in (
    ((GOOD % 1, GOOD % 2), own), ((GOOD % 1, GOOD % 2), killed), ((GOOD % 1, FAILS), own), ((GOOD % 1, FAILS), breaks),
    ((ENDS, GOOD % 2), own), ((GOOD % 1,), breaks),
):
    c = company(*programs)
    for _ in range(2):
        try:
            print(c.do({"op": "local"}, f))
        except p.Refusal as r:
            print(r.kind, r, [q.poll() is not None for q in c.processes])
    c.kill()`
	const want = `('own', [{'seconds': 1}, {'seconds': 2}])
('own', [{'seconds': 1}, {'seconds': 2}])
failed rank 2 was killed by SIGKILL [True, True]
failed rank 2 was killed by SIGKILL [True, True]
out-of-memory rank 2: no room [True, True]
out-of-memory rank 2: no room [True, True]
out-of-memory rank 2: no room [True, True]
out-of-memory rank 2: no room [True, True]
failed rank 1: its process has ended [True, True]
failed rank 1: its process has ended [True, True]
failed rank 0: RuntimeError: connection closed by peer [True]
failed rank 0: RuntimeError: connection closed by peer [True]
`
	if got := python(t, "", "-c", program); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func limits(f protocol.Field) []any {
	if f.HasRange {
		return []any{f.Min, f.Max}
	}
	var words []any
	for _, w := range f.Enum {
		words = append(words, w)
	}
	return words
}
