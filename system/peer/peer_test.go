// Package peer holds the PyTorch worker; these are its tests without PyTorch,
// in any python3. With PyTorch it is compared with lens by the scenario
// peer-inference and by scripts/check_pytorch_roundtrip.py.
package peer

import (
	"encoding/json"
	"errors"
	"fmt"
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

// TestSettings: the settings that the peer knows are the protocol's, with their
// limits and the kinds of work that they belong to.
func TestSettings(t *testing.T) {
	const program = `
import json
import pytorch_worker as p
print(json.dumps({k: [v[0], v[-1]] if isinstance(v, range) else list(v) for k, v in p.SETTINGS.items()}))
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
