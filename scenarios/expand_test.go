package scenarios

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"lensbench/protocol"
	"lensbench/record"
)

func parse(t *testing.T, file, text string) Scenario {
	t.Helper()
	s, err := Parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const whole = `name: whole
title: Everything that a scenario may say
claim: {id: faster, says: "1.5× faster, 20 % less memory"}
workload: {kind: inference, pixels: 64, batch: 8, seed: 7}
matrix:
  model: [resnet18, vit_b_16]
  threads: [1, 2]
control: {set: {batch: 4}, worker: pytorch}
variants:
  seedless: {set: {seed: 0}}
  gpu: {set: {batch: 64}, needs: [cuda, 2 devices, bf16]}
decides: {variant: seedless, model: vit_b_16, threads: 2}
check: {logits: 0}
measure: [throughput, memory]
profile: true
expect:
  - {metric: throughput, ratio: ">= 1.5"}
  - {metric: memory_peak, ratio: "<=0.8"}
suites: [nightly]
plan: {restarts: 9, blocks: 5, warmup: 0, sample: 1m, time_limit: 1h}
`

// TestExpand: a cell per combination, arms with resolved settings, and one cell
// that decides.
func TestExpand(t *testing.T) {
	cells := Expand(parse(t, "whole.yaml", whole))
	var points []map[string]string
	var decide []int
	for i, c := range cells {
		points = append(points, c.Point)
		if c.Decides != "" {
			decide = append(decide, i)
		}
	}
	wantPoints := []map[string]string{
		{"model": "resnet18", "threads": "1"}, {"model": "resnet18", "threads": "2"},
		{"model": "vit_b_16", "threads": "1"}, {"model": "vit_b_16", "threads": "2"},
	}
	if !slices.EqualFunc(points, wantPoints, maps.Equal) {
		t.Errorf("points %v, want %v", points, wantPoints)
	}
	if !slices.Equal(decide, []int{3}) {
		t.Errorf("cells %v decide, want only the last", decide)
	}
	got := cells[3]
	base := protocol.Settings{Kind: "inference", Model: "vit_b_16", Pixels: 64, Batch: 8, Threads: 2, Seed: 7}
	small, seedless, large := base, base, base
	small.Batch, seedless.Seed, large.Batch = 4, 0, 64
	want := record.Cell{ID: got.ID, Scenario: "whole", Title: "Everything that a scenario may say",
		Point: wantPoints[3],
		Arms: []record.Arm{
			{Name: "control", Worker: "pytorch", Settings: small},
			{Name: "seedless", Worker: "lens", Settings: seedless},
			{Name: "gpu", Worker: "lens", Settings: large, Needs: []string{"cuda", "2 devices", "bf16"}},
		},
		Claim:   &record.Claim{ID: "faster", Says: "1.5× faster, 20 % less memory"},
		Decides: "seedless",
		Expect:  []record.Expect{{Metric: "throughput", Op: ">=", Ratio: 1.5}, {Metric: "memory_peak", Op: "<=", Ratio: 0.8}},
		Equal:   &record.Equal{Output: "logits", Tolerance: 0},
		Measure: []string{"throughput", "memory_peak"},
		Profile: true,
		Plan:    record.Plan{Restarts: 9, Blocks: 5, Warmup: 0, SampleSeconds: 60, TimeLimit: 3600},
	}
	if !reflect.DeepEqual(got, want) {
		a, _ := json.MarshalIndent(got, "", " ")
		b, _ := json.MarshalIndent(want, "", " ")
		t.Errorf("got %s\nwant %s", a, b)
	}
}

// TestLooks: the last look is the number of restarts.
func TestLooks(t *testing.T) {
	p := Expand(parse(t, "minimal.yaml", minimal+"\nplan: {looks: [8, 12, 16], blocks: 7}\n"))[0].Plan
	if !slices.Equal(p.Looks, []int{8, 12, 16}) || p.Restarts != 16 || p.Blocks != 7 {
		t.Errorf("plan %+v", p)
	}
	for restarts, want := range map[int][]int{16: {8, 12, 16}, 12: {8, 12}, 10: {8, 10}, 3: {3}, 20: {8, 12, 16, 20}} {
		if q := p.With(restarts); !slices.Equal(q.Looks, want) || q.Restarts != restarts {
			t.Errorf("with %d restarts: %+v", restarts, q)
		}
	}
	if q := (record.Plan{Restarts: 24}).With(8); q.Looks != nil || q.Restarts != 8 {
		t.Errorf("a fixed number became %+v", q)
	}
}

// TestDefaults: what a scenario leaves out.
func TestDefaults(t *testing.T) {
	c := Expand(parse(t, "minimal.yaml", minimal))[0]
	if want := (record.Plan{Restarts: 24, Blocks: 40, Warmup: 3, SampleSeconds: 0.020, TimeLimit: 120}); !reflect.DeepEqual(c.Plan, want) {
		t.Errorf("plan %+v, want %+v", c.Plan, want)
	}
	if want := []string{"throughput", "latency"}; !slices.Equal(c.Measure, want) {
		t.Errorf("measures %v, want %v", c.Measure, want)
	}
	if c.Claim != nil || c.Decides != "" || c.Expect != nil || c.Equal != nil || c.Point != nil {
		t.Errorf("cell has what the scenario does not say: %+v", c)
	}
}

// TestCellID: a cell keeps its ID when only words or the plan change, and gets
// another when what runs changes.
func TestCellID(t *testing.T) {
	const file = "minimal.yaml"
	id := Expand(parse(t, file, minimal))[0].ID
	for _, c := range []struct {
		name, text string
		same       bool
	}{
		{"title", "name: minimal\ntitle: Other\nworkload: {kind: inference, model: resnet18}\ncontrol: {}\nvariants: {b: {set: {batch: 2}}}\n", true},
		{"plan", minimal + "plan: {blocks: 3}\n", true},
		{"order of keys", "variants: {b: {set: {batch: 2}}}\nworkload: {model: resnet18, kind: inference}\nname: minimal\ntitle: T\ncontrol: {}\n", true},
		{"a setting of the workload", "name: minimal\ntitle: T\nworkload: {kind: inference, model: resnet34}\ncontrol: {}\nvariants: {b: {set: {batch: 2}}}\n", false},
		{"a setting of an arm", "name: minimal\ntitle: T\nworkload: {kind: inference, model: resnet18}\ncontrol: {}\nvariants: {b: {set: {batch: 3}}}\n", false},
		{"a worker", "name: minimal\ntitle: T\nworkload: {kind: inference, model: resnet18}\ncontrol: {worker: pytorch}\nvariants: {b: {set: {batch: 2}}}\n", false},
		{"name of an arm", "name: minimal\ntitle: T\nworkload: {kind: inference, model: resnet18}\ncontrol: {}\nvariants: {c: {set: {batch: 2}}}\n", false},
	} {
		if got := Expand(parse(t, file, c.text))[0].ID; (got == id) != c.same {
			t.Errorf("%s: ID %s, was %s", c.name, got, id)
		}
	}
	if len(id) != 12 {
		t.Errorf("ID %q has %d digits, want 12", id, len(id))
	}
}

// TestMembersAxis: a setting that is a list can be varied, too.
func TestMembersAxis(t *testing.T) {
	const text = `name: members
title: T
workload: {kind: ensemble}
matrix: {members: [[resnet18], [resnet18, vit_b_16]]}
control: {set: {schedule: sequential}}
variants: {threads: {set: {schedule: threads}}}
claim: {id: c, says: faster}
decides: {variant: threads, members: [resnet18, vit_b_16]}
check: {logits: 1e-5}
expect: [{metric: throughput, ratio: ">= 1.4"}]
`
	cells := Expand(parse(t, "members.yaml", text))
	if len(cells) != 2 || cells[1].Point["members"] != "resnet18+vit_b_16" || cells[1].Decides != "threads" || cells[0].Decides != "" {
		t.Errorf("cells %+v", cells)
	}
}

// TestChecks: what each check asks of outputs.
func TestChecks(t *testing.T) {
	for _, c := range []struct {
		kind, check string
		want        record.Equal
	}{
		{"inference", "{logits: 1e-5}", record.Equal{Output: "logits", Tolerance: 1e-5}},
		{"train", "{losses: 5e-3}", record.Equal{Output: "losses", Tolerance: 5e-3}},
		{"train", "{gradients: 0}", record.Equal{Output: "gradients", Rule: record.RuleLargest}},
		{"train", "{norms: 100}", record.Equal{Output: "norms", Rule: record.RuleBound, Tolerance: 100}},
		{"train", "{weights: 1e-4}", record.Equal{Output: "weights", Tolerance: 1e-4}},
		{"train", "{final_quality: seed-band}", record.Equal{Output: "final_quality", Rule: record.RuleSeedBand, Tolerance: 1}},
		{"train", "{digests: exact}", record.Equal{Output: "digests", Rule: record.RuleDigest}},
		{"inference", "{digests: 0}", record.Equal{Output: "digests", Rule: record.RuleDigest}},
		{"ensemble", "{fused: 1e-6}", record.Equal{Output: "fused", Tolerance: 1e-6}},
	} {
		model := ", model: resnet18"
		if c.kind == "ensemble" {
			model = ""
		}
		text := "name: minimal\ntitle: T\nworkload: {kind: " + c.kind + model + "}\ncontrol: {}\nvariants: {b: {set: {batch: 2}}}\ncheck: " + c.check + "\n"
		if got := Expand(parse(t, "minimal.yaml", text))[0].Equal; !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: %+v; want %+v", c.check, *got, c.want)
		}
		if err, ok := validate([]byte(text)); !ok || err != nil {
			t.Errorf("%s: the schema refuses it: %v", c.check, err)
		}
	}
}

// TestClaimByCheck: a claim without numbers is decided by its check, also
// between equal arms and with fewer restarts than numbers need.
func TestClaimByCheck(t *testing.T) {
	const text = `name: repeatable
title: The same bits twice
claim: {id: repeatable, says: bit-identical weights}
workload: {kind: train, model: resnet18}
control: {}
variants: {again: {}}
same: true
decides: {variant: again}
check: {digests: exact}
plan: {restarts: 2}
`
	c := Expand(parse(t, "repeatable.yaml", text))[0]
	if c.Claim == nil || c.Decides != "again" || c.Expect != nil || c.Equal == nil {
		t.Errorf("cell %+v", c)
	}
	if err, ok := validate([]byte(text)); !ok || err != nil {
		t.Errorf("the schema refuses it: %v", err)
	}
}

// TestExpectInMatrix: whatever the metric, the chosen cell alone decides.
func TestExpectInMatrix(t *testing.T) {
	for metric, op := range map[string]string{record.Throughput: ">=", record.Latency: "<=", record.MemoryPeak: "<="} {
		text := `name: minimal
title: T
claim: {id: c, says: better}
workload: {kind: inference}
matrix: {model: [resnet18, vit_b_16], pixels: [64, 112]}
control: {}
variants: {b: {set: {batch: 2}}}
decides: {variant: b, model: vit_b_16, pixels: 64}
check: {logits: 1e-5}
measure: [throughput, latency, memory]
expect: [{metric: ` + metric + `, ratio: "` + op + ` 1"}]
`
		for i, c := range Expand(parse(t, "minimal.yaml", text)) {
			if decides := i == 2; (c.Decides == "b") != decides || (len(c.Expect) == 1 && c.Expect[0].Metric == metric) != decides {
				t.Errorf("%s: cell %d, %v: decides %q, expects %+v", metric, i, c.Point, c.Decides, c.Expect)
			}
		}
	}
}
