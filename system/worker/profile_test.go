package worker

import (
	"fmt"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/torch"
)

// profile returns the profile of iterations of work, after one of its own, and checks it
// as a runner does.
func profile(t *testing.T, settings, cache string, iterations int) *protocol.Profile {
	t.Helper()
	r := talk(t, prepare(settings, "profile", cache), fmt.Sprintf(`{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": %d}}`, iterations))
	if r[0].Error != nil || r[1].Error != nil || r[1].Sample.Profile == nil {
		t.Fatalf("%s: %+v, %+v", settings, r[0].Error, r[1])
	}
	s := record.Sample{Wall: 600, Iterations: iterations, Said: *r[1].Sample}
	if err := s.Check(r[0].Facts.ItemsPerIteration); err != nil {
		t.Errorf("%s: %v", settings, err)
	}
	return r[1].Sample.Profile
}

func callsOf(p *protocol.Profile, name string) int64 {
	for _, o := range p.Operators {
		if o.Name == name {
			return o.Calls
		}
	}
	return 0
}

// resnet18 has 20 convolutions and as many normalisations; a plan has both in one
// operator, a linear one where an image has become a few pixels.
func TestProfileOfInference(t *testing.T) {
	network := profile(t, resnet, "", 3)
	if c, n := callsOf(network, "aten::mkldnn_convolution"), callsOf(network, "aten::native_batch_norm"); c != 60 || n != 60 {
		t.Errorf("%d convolutions and %d normalisations in three passes; want 60 and 60: %+v", c, n, network.Operators)
	}
	if share := network.Busy / network.Wall; share < 0.5 || network.Threads != 1 {
		t.Errorf("%.0f %% of the time was in operators, on %d threads; want most of it, on one", 100*share, network.Threads)
	}
	plan := profile(t, strings.Replace(resnet, "{", `{"plan": "fp32", `, 1), "", 3)
	fused := callsOf(plan, "mkldnn::_convolution_pointwise") + callsOf(plan, "mkldnn::_convolution_pointwise_") + callsOf(plan, "mkldnn::_linear_pointwise")
	if c, n := callsOf(plan, "aten::mkldnn_convolution"), callsOf(plan, "aten::native_batch_norm"); c != 0 || n != 0 || fused != 60 {
		t.Errorf("%d convolutions, %d normalisations and %d fused operators of a plan in three passes; want 0, 0 and 60: %+v", c, n, fused, plan.Operators)
	}
}

func TestProfileOfTraining(t *testing.T) {
	p := profile(t, `{"kind": "train", "model": "resnet18", "pixels": 32, "batch": 2, "threads": 1}`, "", 2)
	if f, b := callsOf(p, "aten::mkldnn_convolution"), callsOf(p, "aten::convolution_backward"); f != 40 || b != 40 {
		t.Errorf("%d convolutions and %d backwards in two steps; want 40 and 40: %+v", f, b, p.Operators)
	}
	if n := len(p.Operators); n > protocol.MostOperators {
		t.Errorf("%d operators; want at most %d", n, protocol.MostOperators)
	}
}

// Members of an ensemble in threads of their own are in one profile.
func TestProfileOfThreads(t *testing.T) {
	const members = `{"kind": "ensemble", "members": ["resnet18", "resnet18"], "images": 2, "batch": 1, "pixels": 32, "source": "memory", "schedule": %q}`
	dir := t.TempDir()
	one, two := profile(t, fmt.Sprintf(members, "sequential"), dir, 2), profile(t, fmt.Sprintf(members, "threads"), dir, 2)
	a, b := callsOf(one, "aten::native_batch_norm"), callsOf(two, "aten::native_batch_norm")
	if a != b || a != 20*2*2*2 || two.Threads < 2 {
		t.Errorf("%d normalisations one after another, %d on %d threads; want 160 of both", a, b, two.Threads)
	}
}

// Where operators are out of sight, that is the answer.
func TestProfilesThatCannotBeMade(t *testing.T) {
	for settings, message := range map[string]string{
		`{"kind": "ensemble", "schedule": "processes"}`:                                        "processes of their own",
		`{"kind": "ensemble", "device": "cuda"}`:                                               "CUDA device",
		`{"kind": "train", "model": "resnet18", "ranks": 2, "pixels": 32, "layers": "frozen"}`: "2 ranks",
	} {
		r := talk(t, prepare(settings, "profile", t.TempDir()))[0]
		if r.Error == nil || r.Error.Kind != protocol.Unsupported || !strings.Contains(r.Error.Message, message) {
			t.Errorf("%s: %+v; want unsupported: %s", settings, r.Error, message)
		}
	}
}

// Rows are bounded, and nothing is lost.
func TestLongProfilesAreCut(t *testing.T) {
	var p torch.Profile
	for i := range protocol.MostOperators + 3 {
		p.Operators = append(p.Operators, torch.OperatorTime{Name: fmt.Sprint(i), Calls: 2, Self: 1e9})
	}
	got := profileOf(p)
	if len(got.Operators) != protocol.MostOperators || got.Other == nil || *got.Other != (protocol.OperatorTime{Calls: 6, Seconds: 3}) {
		t.Errorf("%d operators and %+v; want %d, and 6 calls of 3 s together", len(got.Operators), got.Other, protocol.MostOperators)
	}
}

// In other passes nobody looks.
func TestTimeHasNoProfile(t *testing.T) {
	r := talk(t, prepare(`{"kind": "null"}`, "profile", ""), `{"id": 2, "op": "sample", "sample": {"iterations": 1}}`,
		prepare(`{"kind": "null"}`, "time", ""), `{"id": 4, "op": "sample", "sample": {"iterations": 1}}`)
	if p := r[1].Sample.Profile; p == nil || len(p.Operators) != 0 || p.Threads != 0 {
		t.Errorf("profile of null work: %+v; want one without operators", p)
	}
	if p := r[3].Sample.Profile; p != nil {
		t.Errorf("pass time has a profile: %+v", p)
	}
}
