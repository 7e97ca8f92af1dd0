package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lensbench/protocol"
	"lensbench/system/ensemble"
	"lensbench/system/usage"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A test process whose environment has this variable is a worker or a member.
const roleVariable = "LENSBENCH_TEST_ROLE"

// apart is the variable that keeps ranks from exchanging gradients.
const apart = "LENSBENCH_TEST_APART"

// brief is the variable that makes briefTraining the training that final_quality is of.
const brief = "LENSBENCH_TEST_BRIEF"

var briefTraining = shortTraining{seeds: 2, epochs: 1, train: 24, held: 8, batch: 8, pixels: 32}

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "worker":
		exit(serveNoisily())
	case "member":
		exit(ensemble.ServeMember())
	case "rank":
		exchanging = os.Getenv(apart) == ""
		if os.Getenv(brief) != "" {
			finalTraining = briefTraining
		}
		exit(ServeRank())
	}
	torchtest.Main(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveNoisily is the worker beside a library that prints.
func serveNoisily() error {
	out, err := ClaimOutput()
	if err != nil {
		return err
	}
	fmt.Println("a library prints")
	s := Server{Member: memberCommand(), Rank: roleCommand("rank")}
	return s.Serve(io.TeeReader(os.Stdin, os.Stdout), out) // and again with every request
}

func memberCommand() []string { return roleCommand("member") }

func roleCommand(role string) []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{"env", roleVariable + "=" + role, self}
}

// prepare returns a request with the given settings.
func prepare(settings, pass, cache string) string {
	return fmt.Sprintf(`{"id": 1, "op": "prepare", "prepare": {"settings": %s, "pass": %q, "cache": %q}}`, settings, pass, cache)
}

// talk has a server answer lines in this process.
func talk(t *testing.T, lines ...string) []protocol.Response {
	t.Helper()
	var out bytes.Buffer
	s := Server{Member: memberCommand(), Rank: roleCommand("rank")}
	if err := s.Serve(strings.NewReader(strings.Join(lines, "\n")), &out); err != nil {
		t.Fatal(err)
	}
	return responses(t, out.Bytes())
}

func responses(t *testing.T, b []byte) (all []protocol.Response) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var r protocol.Response
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

const resnet = `{"kind": "inference", "model": "resnet18", "pixels": 32, "batch": 2, "threads": 1, "seed": 5}`

// TestRefusals: each line is one mistake, answered with its kind; the worker
// goes on to the next.
func TestRefusals(t *testing.T) {
	shared := t.TempDir()
	cases := []struct{ line, kind, message string }{
		{`hello`, "bad-request", "request: invalid character 'h'"},
		{`{"id": 1, "op": "hello"} {}`, "bad-request", "more than one object on a line"},
		{`{"id": 1, "op": "hello", "please": true}`, "bad-request", `unknown field "please"`},
		{`{"id": 1, "op": "dance"}`, "bad-request", `unknown operation "dance"`},
		{`{"id": 1, "op": "sample", "sample": {"iterations": 1}}`, "bad-request", "sample before a successful prepare"},
		{`{"id": 1, "op": "verify"}`, "bad-request", "verify before a successful prepare"},
		{`{"id": 1, "op": "prepare"}`, "bad-request", "prepare without its object"},
		{`{"id": 1, "op": "prepare", "prepare": {"pass": "time", "cache": "/tmp"}}`, "bad-request", "prepare without settings"},
		{prepare(`{"kind": "inference", "model": "resnet18", "colour": 1}`, "time", "/tmp"), "unknown-setting", `setting "colour" is not known`},
		{prepare(`{"kind": "search"}`, "time", "/tmp"), "unknown-setting", `kind: "search" is not known to this worker, want one of inference, train, ensemble, null`},
		{prepare(`{"kind": "train"}`, "time", "/tmp"), "bad-request", `setting "model" is missing`},
		{prepare(`{"kind": "train", "model": "vit_b_16", "pixels": 64}`, "time", "/tmp"), "unsupported", "vit_b_16: images of 64×64 pixels: want 224×224"},
		{prepare(`{"kind": "train", "model": "resnet18", "scales": ["64"]}`, "time", "/tmp"), "bad-request", "scales 64; want two or more"},
		{prepare(`{"kind": "train", "model": "vit_b_16", "scales": ["64", "224"]}`, "time", "/tmp"), "unsupported", "images of 64×64 pixels: want 224×224"},
		{prepare(`{"kind": "train", "model": "resnet18", "source": "disk"}`, "time", "here"), "bad-request", `cache: "here" is not an absolute directory`},
		{prepare(`{"kind": "train", "model": "resnet18", "compile": true}`, "time", "/tmp"), "unsupported", "compile: torch.compile needs Python"},
		{prepare(`{"kind": "inference", "model": "resnet18", "engine": "openvino"}`, "time", "/tmp"), "unsupported", "engine: openvino; lens computes by itself"},
		{prepare(`{"kind": "inference", "model": "resnet18", "precision": "bf16"}`, "time", "/tmp"), "unsupported", "precision: bf16; inference in other numbers is a plan's"},
		{prepare(`{"kind": "train", "model": "resnet18", "precision": "int8"}`, "time", "/tmp"), "unsupported", "precision: int8; training is in fp32, bf16 or fp16"},
		{prepare(`{}`, "time", "/tmp"), "unknown-setting", `kind: "" is not known`},
		{prepare(`{"kind": "inference", "model": "alexnet"}`, "time", "/tmp"), "unknown-setting", `model: "alexnet" is not known to this worker, want one of resnet18, `},
		{prepare(`{"kind": "ensemble", "members": ["resnet18", "x"]}`, "time", "/tmp"), "unknown-setting", `members: "x" is not known`},
		{prepare(`{"kind": "inference"}`, "time", "/tmp"), "bad-request", `setting "model" is missing`},
		{prepare(`{"kind": "inference", "model": "resnet18", "passes_through": "head"}`, "time", "/tmp"), "bad-request", `passes_through: head; without Monte-Carlo there is one pass: setting "passes" is missing`},
		{prepare(`{"kind": "inference", "model": "light_transformer", "passes": 5, "passes_through": "head"}`, "time", "/tmp"), "unsupported", "light_transformer drops within its backbone"},
		{prepare(`{"kind": "inference", "model": "resnet18", "rate": 5}`, "time", "/tmp"), "bad-request", "rate and load are of arrivals, for mode server"},
		{prepare(`{"kind": "inference", "model": "resnet18", "mode": "server", "rate": 5, "load": 5}`, "time", "/tmp"), "bad-request", "rate: 5 and load: 5 %; want one of them"},
		{prepare(`{"kind": "inference", "model": "resnet18", "images": 5}`, "time", "/tmp"), "bad-request", "images: of inference are for a mode"},
		{prepare(`{"kind": "inference", "model": "resnet18", "mode": "single-stream", "batch": 5}`, "time", "/tmp"), "bad-request", "batch: 5, queries of mode single-stream are of one image"},
		{prepare(`{"kind": "inference", "model": "resnet18", "mode": "offline", "passes": 5}`, "time", "/tmp"), "unsupported", "mode: offline; Monte-Carlo passes"},
		{prepare(`{"kind": "ensemble", "mode": "offline", "source": "disk"}`, "time", "/tmp"), "unsupported", "images that are served are in memory"},
		{prepare(`{"kind": "null", "model": "resnet18"}`, "time", "/tmp"), "bad-request", `setting "model" does not belong to kind null, but to inference`},
		{prepare(`{"kind": "inference", "model": "resnet18", "batch": -1}`, "time", "/tmp"), "bad-request", "batch: -1, want 1 to 65536"},
		{prepare(`{"kind": "inference", "model": "resnet18", "batch": "1"}`, "time", "/tmp"), "bad-request", "settings: json: cannot unmarshal string"},
		{prepare(`{"kind": "inference", "model": "resnet18", "batch": 1.5}`, "time", "/tmp"), "bad-request", "settings: json: cannot unmarshal number 1.5"},
		{prepare(`{"kind": "inference", "model": "resnet18", "delay": -3}`, "time", "/tmp"), "bad-request", "delay: -3, want 0.1 to 100"},
		{prepare(`{"kind": "inference", "model": "resnet18", "delay": 100.5}`, "time", "/tmp"), "bad-request", "delay: 100.5, want 0.1 to 100"},
		{prepare(`{"kind": "inference", "model": "resnet18", "delay": 0.01}`, "time", "/tmp"), "bad-request", "delay: 0.01, want 0.1 to 100"},
		{prepare(`{"kind": "inference", "model": "resnet18", "delay": "NaN"}`, "time", "/tmp"), "bad-request", "settings: json: cannot unmarshal string"},
		{prepare(`{"kind": "inference", "model": "resnet18", "delay": NaN}`, "time", "/tmp"), "bad-request", "request: invalid character 'N'"},
		{prepare(`{"kind": "null", "delay": 3}`, "time", "/tmp"), "bad-request", `setting "delay" does not belong to kind null`},
		{prepare(resnet, "energy", "/tmp"), "bad-request", `unknown pass "energy", want time, memory, profile`},
		{prepare(`{"kind": "inference", "model": "vit_b_16", "pixels": 64}`, "time", "/tmp"), "unsupported", "vit_b_16: images of 64×64 pixels: want 224×224"},
		{prepare(`{"kind": "inference", "model": "resnet18", "batch": 65536, "bands": 16, "pixels": 1024}`, "time", "/tmp"), "out-of-memory", "alloc"},
		{prepare(`{"kind": "ensemble", "members": ["resnet18"], "images": 1, "pixels": 32, "schedule": "streams"}`, "time", shared), "failed", "schedule streams is for device cuda"},
		{prepare(`{"kind": "inference", "model": "resnet18", "search": true}`, "time", "/tmp"), "bad-request", "search: it chooses how a batch goes through a plan, and plan is not set"},
		{prepare(`{"kind": "inference", "model": "resnet18", "plan": "int4"}`, "time", "/tmp"), "unknown-setting", `plan: "int4" is not known to this worker, want one of folded, fp32, bf16, int8`},
		{prepare(`{"kind": "inference", "model": "resnet18", "freeze": true}`, "time", "/tmp"), "bad-request", "freeze: scripts are frozen, and script is not set"},
		{prepare(`{"kind": "inference", "model": "resnet18", "script": "model", "optimise": true}`, "time", "/tmp"), "bad-request", "optimise: libtorch optimises what is frozen"},
		{prepare(`{"kind": "inference", "model": "resnet18", "script": "fusion"}`, "time", "/tmp"), "unsupported", "one network has nothing to fuse"},
		{prepare(`{"kind": "inference", "model": "resnet18", "script": "python"}`, "time", "/tmp"), "unknown-setting", `script: "python" is not known to this worker, want one of fusion, model`},
		{prepare(`{"kind": "inference", "model": "resnet18", "script": "model", "plan": "fp32"}`, "time", "/tmp"), "unsupported", "script: model with plan: fp32"},
		{prepare(`{"kind": "inference", "model": "resnet18", "script": "model", "passes": 4}`, "time", "/tmp"), "unsupported", "script: model with passes"},
		{prepare(`{"kind": "train", "model": "resnet18", "script": "model"}`, "time", "/tmp"), "bad-request", `setting "script" does not belong to kind train`},
		{prepare(`{"kind": "ensemble", "script": "fusion", "passes": 4, "aggregate": "keep"}`, "time", "/tmp"), "unsupported", "script: fusion without aggregate: weighted"},
		{prepare(`{"kind": "ensemble", "aggregate": "weighted"}`, "time", "/tmp"), "bad-request", `aggregate: weighted; members are weighed by the variances of Monte-Carlo passes: setting "passes" is missing`},
		{prepare(`{"kind": "ensemble", "script": "model", "schedule": "stacked"}`, "time", "/tmp"), "unsupported", "each by itself"},
		{prepare(`{"kind": "ensemble", "members": ["light_transformer"], "script": "model", "passes": 4, "aggregate": "weighted", "images": 1, "pixels": 32}`, "time", shared), "unsupported", "script model of light_transformer: it drops within its backbone"},
		{prepare(`{"kind": "inference", "model": "resnet18", "plan": "fp32", "passes": 4, "passes_through": "network"}`, "time", "/tmp"), "unsupported", "plan: fp32 with passes_through: network"},
		{prepare(`{"kind": "inference", "model": "light_transformer", "plan": "fp32", "passes": 4}`, "time", "/tmp"), "unsupported", "light_transformer: it drops within its backbone"},
		{prepare(`{"kind": "inference", "model": "resnet18", "plan": "fp32", "search": true, "passes": 4}`, "time", "/tmp"), "unsupported", "search with passes"},
		{prepare(`{"kind": "ensemble", "members": ["resnet18", "light_transformer"], "plan": "fp32", "passes": 4, "images": 1, "pixels": 32}`, "time", shared), "unsupported", "plan fp32 of light_transformer: it drops"},
		{prepare(`{"kind": "inference", "model": "resnet18", "plan": "fp32", "search": true, "mode": "offline"}`, "time", "/tmp"), "unsupported", "search with mode"},
		{prepare(`{"kind": "ensemble"}`, "time", "here"), "bad-request", `cache: "here" is not an absolute directory`},
		{prepare(`{"kind": "ensemble", "bands": 16}`, "time", "/tmp"), "unsupported", "bands: 16, simulated images have at most"},
		{prepare(`{"kind": "ensemble"}`, "time", "/proc/nowhere"), "failed", "/proc/nowhere"},
	}
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.line)
	}
	for i, r := range talk(t, lines...) {
		c := cases[i]
		if r.Error == nil || r.Error.Kind != c.kind || !strings.Contains(r.Error.Message, c.message) {
			t.Errorf("%s\n got %+v\nwant %s: %s", c.line, r.Error, c.kind, c.message)
		}
	}
}

func TestBadSamples(t *testing.T) {
	for _, r := range talk(t, prepare(`{"kind": "null"}`, "time", ""),
		`{"id": 2, "op": "sample"}`,
		`{"id": 2, "op": "sample", "sample": {"iterations": 0}}`,
		`{"id": 2, "op": "sample", "sample": {"iterations": 1, "untimed": -1}}`,
		`{"id": 2, "op": "sample", "sample": {"iterations": 1000000000000}}`)[1:] {
		if r.ID != 2 || r.Error == nil || r.Error.Kind != protocol.BadRequest {
			t.Errorf("got %+v", r)
		}
	}
}

func TestHello(t *testing.T) {
	h := talk(t, `{"id": 7, "op": "hello"}`)[0].Hello
	if h == nil || h.Protocol != protocol.Version || h.Worker != "lens" || len(h.Build) != 12 || h.Libraries["libtorch"] == "" {
		t.Errorf("got %+v", h)
	}
	if want := []string{"inference", "train", "ensemble", "null"}; !slices.Equal(h.Kinds, want) || !slices.Contains(h.Settings, "schedule") {
		t.Errorf("kinds %v, settings %v", h.Kinds, h.Settings)
	}
}

func TestInference(t *testing.T) {
	r := talk(t, prepare(resnet, "time", ""),
		`{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": 3}}`,
		`{"id": 3, "op": "verify"}`, `{"id": 4, "op": "verify"}`, `{"id": 5, "op": "close"}`, `{"id": 6, "op": "hello"}`)
	if len(r) != 5 || r[4].ID != 5 || r[4].Error != nil {
		t.Fatalf("%d responses, the last %+v; want the fifth to be the last", len(r), r[len(r)-1])
	}
	want := protocol.Facts{Parameters: 11_177_025, WeightBytes: 44_746_500, FLOPPerItem: r[0].Facts.FLOPPerItem, ItemsPerIteration: 2, Threads: 1,
		LoadSeconds: r[0].Facts.LoadSeconds, PrepareSeconds: r[0].Facts.PrepareSeconds}
	if got := *r[0].Facts; !reflect.DeepEqual(got, want) || got.FLOPPerItem < 7e7 || got.FLOPPerItem > 8e7 || got.LoadSeconds <= 0 || got.PrepareSeconds <= 0 {
		t.Errorf("facts %+v", got)
	}
	checkSample(t, r[1].Sample, 3, 6)
	a, b := r[2].Outputs, r[3].Outputs
	if len(a.Values) != 2 || !slices.Equal(a.Shape, []int{2}) || a.Values[0] == a.Values[1] || a.Digest != b.Digest || len(a.Digest) != 64 {
		t.Errorf("outputs %+v, %+v", a, b)
	}
}

// TestMonteCarlo: passes through the head alone are, to the bit, passes through the
// network, with as many digests as passes; and of other work when the masks are others,
// which is what the check would find.
func TestMonteCarlo(t *testing.T) {
	verify := func(settings string) (*protocol.Facts, *protocol.Outputs) {
		r := talk(t, prepare(`{"kind": "inference", "pixels": 48, "batch": 2, "threads": 1, "passes": 4, `+settings+`}`, "time", ""),
			`{"id": 2, "op": "sample", "sample": {"iterations": 2}}`, `{"id": 3, "op": "verify", "verify": {"check": "digests"}}`)
		if r[0].Error != nil || r[2].Outputs == nil {
			t.Fatalf("%s: %+v", settings, r)
		}
		checkSample(t, r[1].Sample, 2, 4)
		return r[0].Facts, r[2].Outputs
	}
	whole, a := verify(`"model": "resnet18", "passes_through": "network"`)
	head, b := verify(`"model": "resnet18", "passes_through": "head"`)
	_, byDefault := verify(`"model": "resnet18"`)
	if len(a.Digests) != 4 || !slices.Equal(a.Digests, b.Digests) || !slices.Equal(a.Shape, []int{4, 2}) || byDefault.Digest != a.Digest {
		t.Errorf("network %+v\nhead %+v", a, b)
	}
	if slices.Equal(a.Values[:2], a.Values[2:4]) {
		t.Errorf("two passes are the same: %v", a.Values)
	}
	if whole.FLOPPerItem < 3.9*head.FLOPPerItem || whole.FLOPPerItem > 4*head.FLOPPerItem {
		t.Errorf("%g FLOP in the network, %g in the head", whole.FLOPPerItem, head.FLOPPerItem)
	}
	if _, other := verify(`"model": "resnet18", "seed": 1`); slices.Equal(other.Digests, a.Digests) {
		t.Error("another seed has the same digests")
	}
	verify(`"model": "light_transformer"`)
}

// TestAggregate: what is kept and what is streamed agree, and have no logits to show.
func TestAggregate(t *testing.T) {
	cache := t.TempDir()
	var all []*protocol.Outputs
	for _, how := range []string{`"aggregate": "keep"`, `"aggregate": "stream"`, `"seed": 0`} {
		settings := fmt.Sprintf(`{"kind": "ensemble", "members": ["resnet18", "resnet34"], "passes": 3, "images": 3, "batch": 2, "pixels": 48, "threads": 1, %s}`, how)
		r := talk(t, prepare(settings, "time", cache), `{"id": 2, "op": "sample", "sample": {"iterations": 1}}`,
			`{"id": 3, "op": "verify", "verify": {"check": "fused"}}`, `{"id": 4, "op": "verify"}`)
		if r[0].Error != nil || r[2].Outputs == nil {
			t.Fatalf("%s: %+v, %+v", how, r[0].Error, r[2].Error)
		}
		checkSample(t, r[1].Sample, 1, 3)
		if r[3].Error == nil || !strings.Contains(r[3].Error.Message, "no logits to compare") {
			t.Errorf("logits: %+v", r[3])
		}
		all = append(all, r[2].Outputs)
	}
	for i, v := range all[0].Values {
		if d := math.Abs(float64(all[1].Values[i] - v)); len(all[0].Values) != 6 || !(v != 0) || !(d <= 1e-6) {
			t.Errorf("value %d: %v kept, %v streamed", i, v, all[1].Values[i])
		}
	}
	if all[1].Digest != all[2].Digest {
		t.Error("passes are not streamed by default")
	}
}

// checkSample checks what holds for every sample of the time pass.
func checkSample(t *testing.T, s *protocol.Sample, iterations, items int) {
	t.Helper()
	sum := 0.
	for _, d := range s.Durations {
		sum += d
	}
	if len(s.Durations) != iterations || s.Items != items || s.Wall <= 0 || math.Abs(sum-s.Wall) > 1e-6 {
		t.Errorf("%d durations of sum %v, wall %v, %d items", len(s.Durations), sum, s.Wall, s.Items)
	}
	if s.CPU <= 0 || s.RSSPeak < 1<<20 || s.TensorPeak != 0 || s.Voluntary < 0 || s.Involuntary < 0 {
		t.Errorf("sample %+v", s)
	}
}

// TestTraining: the outputs are the losses of the first three steps, which begin anew
// after any number of steps, and are PyTorch's: system/optim/testdata/golden.py has the
// first two.
func TestTraining(t *testing.T) {
	r := talk(t, prepare(`{"kind": "train", "model": "resnet18", "pixels": 32, "batch": 4, "threads": 1, "seed": 11}`, "time", ""),
		`{"id": 2, "op": "verify"}`, `{"id": 3, "op": "sample", "sample": {"untimed": 1, "iterations": 2}}`,
		`{"id": 4, "op": "verify"}`, `{"id": 5, "op": "close"}`)
	if len(r) != 5 || r[0].Facts == nil || r[4].Error != nil {
		t.Fatalf("%d responses, the last %+v", len(r), r[len(r)-1])
	}
	if f := r[0].Facts; f.Parameters != 11_177_025 || f.ItemsPerIteration != 4 || f.FLOPPerItem < 3*7e7 || f.FLOPPerItem > 3*8e7 {
		t.Errorf("facts %+v", f)
	}
	checkSample(t, r[2].Sample, 2, 8)
	a, b := r[1].Outputs, r[3].Outputs
	if len(a.Values) != 3 || a.Digest != b.Digest {
		t.Fatalf("outputs %+v, %+v", a, b)
	}
	for i, want := range []float64{1.0865877866744995, 0.644249439239502} {
		if math.Abs(float64(a.Values[i])/want-1) > 1e-3 {
			t.Errorf("loss %d is %g, PyTorch's %g", i, a.Values[i], want)
		}
	}
}

func TestNull(t *testing.T) {
	r := talk(t, prepare(`{"kind": "null"}`, "time", ""), `{"id": 2, "op": "sample", "sample": {"iterations": 100}}`, `{"id": 3, "op": "verify"}`)
	if s := r[1].Sample; s == nil || s.Items != 100 || len(s.Durations) != 100 || s.Wall > 1 {
		t.Errorf("sample %+v", s)
	}
	if o := r[2].Outputs; o == nil || len(o.Values) != 0 || !slices.Equal(o.Shape, []int{0}) {
		t.Errorf("outputs %+v", o)
	}
}

// TestEnsemble: schedules answer the same, and images are made once.
func TestEnsemble(t *testing.T) {
	cache := t.TempDir()
	var digests []string
	for _, schedule := range []string{`"sequential"`, `"processes"`, `"batch-major", "workers": 2, "prefetch": 1`, `"batch-major", "source": "memory"`} {
		settings := fmt.Sprintf(`{"kind": "ensemble", "members": ["resnet18", "light_transformer"], "images": 3, "batch": 2, "pixels": 48, "threads": 1, "schedule": %s}`, schedule)
		r := talk(t, prepare(settings, "time", cache), `{"id": 2, "op": "sample", "sample": {"iterations": 2}}`, `{"id": 3, "op": "verify"}`)
		if r[0].Error != nil {
			t.Fatal(r[0].Error)
		}
		if f := r[0].Facts; f.Parameters != 11_177_025+5_171_265 || f.ItemsPerIteration != 3 || f.Threads < 1 || f.Threads > 2 {
			t.Errorf("%s: facts %+v", schedule, f)
		}
		checkSample(t, r[1].Sample, 2, 6)
		if o := r[2].Outputs; !slices.Equal(o.Shape, []int{2, 3}) || len(o.Values) != 6 {
			t.Errorf("%s: outputs %+v", schedule, o)
		}
		digests = append(digests, r[2].Outputs.Digest)
	}
	if slices.ContainsFunc(digests, func(d string) bool { return d != digests[0] }) { // one thread each, so even the bits are the same
		t.Errorf("digests %v differ", digests)
	}
	if sets, err := filepath.Glob(filepath.Join(cache, "images", "*", "manifest.json")); err != nil || len(sets) != 1 {
		t.Errorf("data sets %v, %v; want one", sets, err)
	}
}

// A broken is work that fails, or computes what is not finite.
type broken struct {
	null
	err error
}

func (b broken) iterate(int, *clock) error { return b.err }
func (b broken) outputs(string) (outputs, error) {
	return outputs{shape: []int{3}, values: []float32{float32(math.NaN()), float32(math.Inf(-1)), 1}}, b.err
}
func (b broken) children() (usage.Usage, torch.Peaks, error) {
	return usage.Usage{}, torch.Peaks{}, b.err
}

func TestNotFinite(t *testing.T) {
	s := Server{work: broken{}}
	var out bytes.Buffer
	if _, err := s.respond(&out, []byte(`{"id": 1, "op": "verify"}`)); err != nil {
		t.Fatal(err)
	}
	if want := `"values":["NaN","-Inf",1]`; !strings.Contains(out.String(), want) {
		t.Errorf("%s has no %s", out.String(), want)
	}
}

func TestFailedWork(t *testing.T) {
	s := Server{work: broken{err: errors.New("member resnet18 died")}}
	for _, line := range []string{`{"id": 1, "op": "verify"}`, `{"id": 1, "op": "sample", "sample": {"iterations": 1}}`} {
		var out bytes.Buffer
		if _, err := s.respond(&out, []byte(line)); err != nil {
			t.Fatal(err)
		}
		if r := responses(t, out.Bytes())[0]; r.Error == nil || r.Error.Kind != protocol.Failed || r.Error.Message != "member resnet18 died" {
			t.Errorf("%s: %+v", line, r)
		}
	}
}

// A conversation is with a worker in a process of its own.
type conversation struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func converse(t *testing.T) *conversation {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &conversation{t: t, cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), roleVariable+"=worker")
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *conversation) ask(line string) protocol.Response {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		c.t.Fatal(err)
	}
	if !c.out.Scan() {
		c.t.Fatalf("no answer to %s: %v", line, c.out.Err())
	}
	return responses(c.t, c.out.Bytes())[0]
}

// TestMemoryPass: peaks of tensor bytes repeat exactly, include the weights, and
// neither pass takes over a process from the other. What is printed beside the
// protocol does not disturb it.
func TestMemoryPass(t *testing.T) {
	c := converse(t)
	if r := c.ask(prepare(resnet, "memory", "")); r.Error != nil {
		t.Fatal(r.Error)
	}
	var peaks []int64
	for range 2 {
		s := c.ask(`{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": 2}}`).Sample
		peaks = append(peaks, s.TensorPeak)
		images := int64(2 * 3 * 32 * 32 * 4)
		// On so few images the peak is where a convolution has a copy of its weights, which
		// is no activation.
		if b := s.Memory.AtPeak; b.Total() != s.TensorPeak || b.Weights != 44_746_500 || b.Other < images || b.Activations > s.Memory.ActivationPeak || b.Gradients+b.Optimiser != 0 {
			t.Errorf("memory %+v", *s.Memory)
		}
		if m := s.Memory; m.WarmUp != s.TensorPeak || m.Load < 44_746_500 || m.Load > m.WarmUp || m.Forward+m.Backward+m.Update != 0 {
			t.Errorf("memory %+v", *s.Memory)
		}
	}
	if peaks[0] != peaks[1] || peaks[0] < 44_746_500 || peaks[0] > 60_000_000 {
		t.Errorf("peaks %v", peaks)
	}
	if r := c.ask(prepare(resnet, "time", "")); r.Error == nil || !strings.Contains(r.Error.Message, "pass time needs a process of its own") {
		t.Errorf("time after memory: %+v", r)
	}
	c.end(t)
	late := talk(t, prepare(resnet, "time", ""), prepare(resnet, "memory", ""))[1]
	if late.Error == nil || late.Error.Kind != protocol.BadRequest || !strings.Contains(late.Error.Message, "pass memory needs a process of its own") {
		t.Errorf("memory after time: %+v", late)
	}
}

// TestMemoryOfTraining: the breakdown is what it is known to be made of, the same
// in every sample.
func TestMemoryOfTraining(t *testing.T) {
	c := converse(t)
	const settings = `{"kind": "train", "model": "resnet18", "pixels": 32, "batch": 4, "threads": 1, "seed": 5}`
	if r := c.ask(prepare(settings, "memory", "")); r.Error != nil {
		t.Fatal(r.Error)
	}
	var first protocol.Memory
	for i := range 3 {
		s := c.ask(`{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": 2}}`).Sample
		if s.Memory.AtPeak.Total() != s.TensorPeak {
			t.Errorf("tensor_peak is %d, memory %+v", s.TensorPeak, *s.Memory)
		}
		if i == 0 {
			first = *s.Memory
		}
		if *s.Memory != first {
			t.Errorf("memory %+v, at first %+v", *s.Memory, first)
		}
	}
	const trainable, tensors = 11_177_025, 62
	b := first.AtPeak
	if b.Weights != 44_746_500 || b.Optimiser != 8*trainable+4*tensors || b.Gradients > 4*trainable {
		t.Errorf("at the peak %+v", b)
	}
	if first.Backward != b.Total() || first.Forward >= first.Backward || first.Update >= first.Backward || first.WarmUp != b.Total() {
		t.Errorf("memory %+v", first)
	}
	c.end(t)
}

// end closes the worker's input and waits for its end.
func (c *conversation) end(t *testing.T) {
	t.Helper()
	c.in.Close()
	if c.out.Scan() {
		t.Errorf("unasked for: %s", c.out.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestNoOrphans: processes of members and ranks do not outlive their worker, however
// it ends.
func TestNoOrphans(t *testing.T) {
	for what, settings := range map[string]string{
		"a member": `{"kind": "ensemble", "members": ["resnet18"], "images": 1, "pixels": 32, "threads": 1, "schedule": "processes"}`,
		"a rank":   frozenRanks + `"ranks": 2}`,
	} {
		for how, end := range map[string]func(c *conversation){
			"input ends": func(c *conversation) { c.end(t) },
			"kill -9":    func(c *conversation) { c.cmd.Process.Kill(); c.cmd.Wait() },
		} {
			t.Run(what+", "+how, func(t *testing.T) { testNoOrphan(t, settings, end) })
		}
	}
}

func testNoOrphan(t *testing.T, settings string, end func(c *conversation)) {
	c := converse(t)
	if r := c.ask(prepare(settings, "memory", t.TempDir())); r.Error != nil {
		t.Fatal(r.Error)
	}
	if r := c.ask(`{"id": 2, "op": "sample", "sample": {"iterations": 1}}`); r.Sample.TensorPeak < 44_746_500 {
		t.Errorf("peak of tensors is %d", r.Sample.TensorPeak)
	}
	children := childrenOf(t, c.cmd.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("%d children, want 1", len(children))
	}
	end(c)
	for begin := time.Now(); alive(children[0]); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("process %s lives on", children[0])
		}
	}
}

// childrenOf returns the process ids of a process's children.
func childrenOf(t *testing.T, pid int) (children []string) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended meanwhile
		}
		children = append(children, strings.Fields(string(b))...)
	}
	return children
}

// alive says whether a process is there and more than a zombie.
func alive(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z")
}

// BenchmarkNullSample: what a sample costs beside its iterations.
func BenchmarkNullSample(b *testing.B) {
	s := Server{work: null{}}
	for b.Loop() {
		if _, err := s.respond(io.Discard, []byte(`{"id": 1, "op": "sample", "sample": {"iterations": 1}}`)); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPlans: arms with plans or scripts, and with channels last, say what the plain one
// says.
func TestPlans(t *testing.T) {
	logits := func(settings string) []protocol.Number {
		t.Helper()
		all := talk(t, prepare(`{"kind": "inference", "model": "resnet18", "pixels": 32, "batch": 2, "threads": 1, "seed": 5`+settings+`}`, "time", "/tmp"),
			`{"id": 2, "op": "sample", "sample": {"iterations": 1}}`, `{"id": 3, "op": "verify"}`)
		for _, r := range all {
			if r.Error != nil {
				t.Fatalf("%s: %v", settings, r.Error)
			}
		}
		if got := all[1].Sample.Extra["linear_layers_int8"]; (got == 1) != strings.Contains(settings, "dynamic") {
			t.Errorf("%s: says beside %v", settings, all[1].Sample.Extra)
		}
		chosen := 0
		for _, trial := range all[0].Facts.Trials {
			if trial.Chosen {
				chosen++
			}
		}
		if searches := strings.Contains(settings, "search"); searches && chosen != 1 || !searches && all[0].Facts.Trials != nil {
			t.Errorf("%s: trials %+v", settings, all[0].Facts.Trials)
		}
		return all[2].Outputs.Values
	}
	want := logits("")
	for settings, tolerance := range map[string]float64{
		`, "layout": "channels-last"`: 1e-5, `, "plan": "folded"`: 1e-5, `, "plan": "fp32"`: 1e-5, `, "plan": "bf16"`: 2e-2, `, "plan": "int8"`: 5e-2, `, "plan": "fp32", "search": true`: 1e-5,
		`, "plan": "dynamic"`: 5e-2, `, "script": "model"`: 0, `, "script": "model", "freeze": true`: 1e-5, `, "script": "model", "freeze": true, "optimise": true`: 1e-5,
	} {
		for i, got := range logits(settings) {
			if d := math.Abs(float64(got - want[i])); !(d <= tolerance) || got == 0 {
				t.Errorf("%s: logit %d is %v, want %v", settings, i, got, want[i])
			}
		}
	}
}
