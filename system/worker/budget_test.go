package worker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lensbench/protocol"
	"lensbench/system/adaptive"
	"lensbench/torch"
)

// portioned are settings of a training of 24 images an iteration, with others.
func portioned(more string) string {
	return `{"kind": "train", "model": "resnet18", "pixels": 32, "images": 24, "threads": 1, "seed": 5, ` + more + `}`
}

const (
	oneIteration = `{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": 1}}`
	askDigests   = `{"id": 3, "op": "verify", "verify": {"check": "digests"}}`
)

// Whatever the batch is and becomes, an iteration is of all images, each of them once
// and in order, and within the budget.
func TestBudget(t *testing.T) {
	var first *protocol.Outputs
	for _, more := range []string{
		`"batch": 8, "budget": 512`,
		`"batch": 5, "budget": 512`, // the last step is one of four
		`"batch": 8, "budget": 512, "adaptive": "doubling"`,
		`"batch": 3, "budget": 512, "adaptive": "throughput"`,
		`"batch": 8, "budget": 512, "seed": 6`, // other images
	} {
		c := converse(t)
		r := c.ask(prepare(portioned(more), "time", ""))
		if r.Error != nil || r.Facts.ItemsPerIteration != 24 {
			t.Fatalf("%s: %+v, %v", more, r.Facts, r.Error)
		}
		s := c.ask(oneIteration).Sample
		checkSample(t, s, 1, 24)
		if used := s.Extra["budget_used"]; used < 0.3 || used > 1 || s.Extra["batch"] < 2 {
			t.Errorf("%s: %v", more, s.Extra)
		}
		_, rule := s.Extra["changes"]
		if rule != strings.Contains(more, "adaptive") {
			t.Errorf("%s: %v", more, s.Extra)
		}
		out := c.ask(askDigests).Outputs
		if first == nil {
			first = out
		}
		if same := slices.Equal(out.Digests, first.Digests); len(out.Digests) != 6 || out.Digests[2] != "in budget" || same == strings.Contains(more, `"seed": 6`) {
			t.Errorf("%s: %v, at first %v", more, out.Digests, first.Digests)
		}
		c.end(t)
	}
}

// Doubling goes up to all images where there is room, and says so.
func TestDoublingInAWorker(t *testing.T) {
	c := converse(t)
	c.ask(prepare(portioned(`"batch": 3, "budget": 4096, "adaptive": "doubling"`), "memory", ""))
	s := c.ask(oneIteration).Sample
	if s.Extra["batch"] != 24 || s.Extra["changes"] != 3 || s.Extra["oscillates"] != 0 || s.Extra["out_of_memory"] != 0 {
		t.Errorf("%v", s.Extra)
	}
	if used := protocol.Number(float64(s.TensorPeak) / (4096 << 20)); s.Extra["budget_used"] != used || s.Memory.Backward != s.TensorPeak {
		t.Errorf("%v, peak %d, %+v", s.Extra, s.TensorPeak, *s.Memory)
	}
	c.end(t)
}

// The peak of each step counts, though the allocator's is reset after it: the memory
// pass says the same as where nobody resets it.
func TestPeaksOfSteps(t *testing.T) {
	var peaks []protocol.Memory
	for _, more := range []string{`"batch": 24`, `"batch": 24, "monitor": "allocator"`} {
		c := converse(t)
		c.ask(prepare(portioned(more), "memory", ""))
		peaks = append(peaks, *c.ask(oneIteration).Sample.Memory)
		c.end(t)
	}
	if peaks[0] != peaks[1] {
		t.Errorf("%+v, watched %+v", peaks[0], peaks[1])
	}
}

// Running out of memory halves the batch under a rule, and without one it ends the
// work; either way the process goes on.
func TestOutOfBudget(t *testing.T) {
	const tight = `"batch": 24, "budget": 174` // 171 MiB are weights, gradients and moments
	c := converse(t)
	c.ask(prepare(portioned(tight), "time", ""))
	r := c.ask(oneIteration)
	if r.Error == nil || r.Error.Kind != protocol.OutOfMemory || !strings.Contains(r.Error.Message, "memory limit of 182452224 bytes") {
		t.Fatalf("%+v, %+v", r.Error, r.Sample)
	}
	c.ask(prepare(portioned(tight+`, "adaptive": "doubling"`), "time", ""))
	s := c.ask(oneIteration).Sample
	if s == nil || s.Extra["out_of_memory"] < 1 || s.Extra["batch"] >= 24 || s.Extra["budget_used"] > 1 {
		t.Fatalf("%+v", s)
	}
	out := c.ask(askDigests).Outputs
	c.ask(prepare(portioned(`"batch": 8, "budget": 4096`), "time", "")) // the limit is another
	if roomy := c.ask(askDigests).Outputs; !slices.Equal(out.Digests, roomy.Digests) {
		t.Errorf("%v where memory ran out, %v where it did not", out.Digests, roomy.Digests)
	}
	c.end(t)
}

// The check is not blind: a peak that is too high has another word, as other images
// have other digests in TestBudget.
func TestBudgetWord(t *testing.T) {
	if in, over := budgetWord(100, 100), budgetWord(101, 100); in == over {
		t.Errorf("%q and %q", in, over)
	}
}

// Nor is it blind to images that are left out, or that are others.
func TestRationDigests(t *testing.T) {
	c, err := decode([]byte(portioned(`"batch": 8, "budget": 512`)))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := (&Server{}).openTraining(c, "")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	w := opened.(*training)
	digests := func(change func()) []string {
		t.Helper()
		change()
		out, err := w.outputs(protocol.CheckDigests)
		if err != nil {
			t.Fatal(err)
		}
		return out.digests
	}
	m := w.source.(*memory)
	whole := digests(func() {})
	fewer := digests(func() { w.settings.Images = 22 })
	other := digests(func() {
		w.settings.Images = 24
		err = w.lane.Do(func(sc *torch.Scope) error {
			sc.CopyFrom(sc.Select(m.images, 0, 3), make([]float32, 3*32*32))
			return nil
		})
	})
	if err != nil || fewer[0] == whole[0] || other[0] == whole[0] || other[1] != whole[1] || whole[0] != whole[3] {
		t.Errorf("%v; of fewer images %v, of another %v, %v", whole, fewer, other, err)
	}
}

func TestAdaptiveHasNoLosses(t *testing.T) {
	c := converse(t)
	c.ask(prepare(portioned(`"batch": 8, "budget": 512, "adaptive": "doubling"`), "time", ""))
	for _, check := range []string{"losses", "gradients", "weights"} {
		r := c.ask(fmt.Sprintf(`{"id": 3, "op": "verify", "verify": {"check": %q}}`, check))
		if r.Error == nil || r.Error.Kind != protocol.Unsupported || !strings.Contains(r.Error.Message, "has no "+check) {
			t.Errorf("%s: %+v", check, r.Error)
		}
	}
	c.end(t)
}

func TestRationNext(t *testing.T) {
	for _, c := range []struct{ images, batch int }{{256, 32}, {256, 3}, {257, 32}, {257, 2}, {7, 2}, {5, 4}, {2, 2}, {3, 2}, {9, 8}} {
		r := ration{images: c.images, batch: c.batch}
		sum := 0
		for sum < c.images {
			n := r.next(c.images - sum)
			if n < smallestStep || n > max(c.batch, 3) {
				t.Errorf("%d images, batch %d: a step of %d", c.images, c.batch, n)
			}
			sum += n
		}
		if sum != c.images {
			t.Errorf("%d images, batch %d: %d were taken", c.images, c.batch, sum)
		}
	}
}

// A fixed is a rule that always says the same.
type fixed struct{ report adaptive.Report }

func (f *fixed) Next(adaptive.Observation) int { f.report.Changes++; return 7 }
func (f *fixed) Report() adaptive.Report       { return f.report }

// A step that is shorter than the batch says nothing, but that it was too long.
func TestRationLearn(t *testing.T) {
	f := &fixed{report: adaptive.Report{Oscillates: true}}
	r := ration{images: 100, batch: 16, budget: 10, rule: f}
	r.learn(adaptive.Observation{Batch: 4})
	if r.batch != 16 || f.report.Changes != 0 {
		t.Errorf("the last step counted: %+v", r)
	}
	r.learn(adaptive.Observation{Batch: 4, OutOfMemory: true})
	r.learn(adaptive.Observation{Batch: 7})
	want := map[string]protocol.Number{"batch": 7, "changes": 2, "out_of_memory": 0, "oscillates": 1, "budget_used": 0.5}
	got := map[string]protocol.Number{}
	r.extra(got, 5)
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestBudgetRefusals(t *testing.T) {
	for _, c := range []struct{ settings, kind, message string }{
		{portioned(`"adaptive": "doubling"`), protocol.BadRequest, `setting "budget" is missing`},
		{portioned(`"adaptive": "tripling", "budget": 100`), protocol.UnknownSetting, `adaptive: "tripling"`},
		{portioned(`"budget": 512, "source": "disk"`), protocol.BadRequest, "not for source disk"},
		{portioned(`"budget": 512, "batch": 8, "accumulate": 2`), protocol.BadRequest, "not for accumulate 2"},
		{portioned(`"budget": 512, "batch": 25`), protocol.BadRequest, "batch: 25, with a budget want 2 to the images of an iteration, 24"},
		{portioned(`"budget": 512, "batch": 1`), protocol.BadRequest, "batch: 1,"},
		{`{"kind": "inference", "model": "resnet18", "budget": 512}`, protocol.BadRequest, "does not belong to kind inference"},
	} {
		if r := talk(t, prepare(c.settings, "time", ""))[0]; r.Error == nil || r.Error.Kind != c.kind || !strings.Contains(r.Error.Message, c.message) {
			t.Errorf("%s\n got %+v\nwant %s: %s", c.settings, r.Error, c.kind, c.message)
		}
	}
}

// What the allocator's monitor reports in the time pass is torch's own peak in the
// memory pass; the resident set is what there is of the process.
func TestMonitor(t *testing.T) {
	sample := func(more, pass string) *protocol.Sample {
		c := converse(t)
		defer c.end(t)
		if r := c.ask(prepare(portioned(`"batch": 8`+more), pass, "")); r.Error != nil {
			t.Fatal(r.Error)
		}
		return c.ask(`{"id": 2, "op": "sample", "sample": {"untimed": 1, "iterations": 3}}`).Sample
	}
	own := sample("", "memory")
	if own.Extra["monitor_peak"] != 0 {
		t.Errorf("without a monitor: %v", own.Extra)
	}
	if s := sample(`, "monitor": "allocator"`, "time"); s.Extra["monitor_peak"] != protocol.Number(own.TensorPeak) || s.TensorPeak != 0 || s.Memory != nil {
		t.Errorf("%v, torch's own peak is %d", s.Extra, own.TensorPeak)
	}
	if s := sample(`, "monitor": "rss"`, "time"); s.Extra["monitor_peak"] < 100<<20 || s.Extra["monitor_peak"] > protocol.Number(s.RSSPeak) {
		t.Errorf("%v, the resident set's peak is %d", s.Extra, s.RSSPeak)
	}
}

// Once tensors have been made it is too late to count them, in the time pass too.
func TestCountingNeedsAProcess(t *testing.T) {
	for more, why := range map[string]string{`"monitor": "allocator"`: "monitor allocator", `"budget": 512, "batch": 8`: "a budget"} {
		late := talk(t, prepare(resnet, "time", ""), prepare(portioned(more), "time", ""))[1]
		if late.Error == nil || late.Error.Kind != protocol.BadRequest || !strings.Contains(late.Error.Message, why+" needs a process of its own") {
			t.Errorf("%s: %+v", more, late.Error)
		}
	}
}
