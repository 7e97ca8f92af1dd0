package judge_test

import (
	"slices"
	"strings"
	"testing"

	"lensbench/judge"
	"lensbench/record"
)

// looked is the ensemble with three variants and looks on the way to 36
// restarts, without a claim.
func looked() record.Cell {
	c := ensemble()
	c.Claim, c.Decides, c.Expect = nil, "", nil
	c.Arms = append(c.Arms, record.Arm{Name: "same", Worker: "lens"}, record.Arm{Name: "noisy", Worker: "lens"})
	c.Plan.Restarts, c.Plan.Looks = 36, []int{8, 12, 16, 24, 36}
	return c
}

var lookedPaces = map[string]pace{"sequential": {0.4, 0.0005, 0}, "threads": {0.3, 0.0005, 0}, "same": {0.4, 0.0005, 0}, "noisy": {0.4, 0.5, 0}}

// without leaves arms out.
func without(paces map[string]pace, names ...string) map[string]pace {
	out := map[string]pace{}
	for name, p := range paces {
		if !slices.Contains(names, name) {
			out[name] = p
		}
	}
	return out
}

// TestSettled: equivalence can be proven after 12 restarts, a difference after
// 16, and what scatters is not settled.
func TestSettled(t *testing.T) {
	c := looked()
	f := newFixture(c).measure(c, 0, 36, 1, lookedPaces)
	for restarts, want := range map[int][]string{8: {}, 12: {"same"}, 16: {"threads", "same"}, 36: {"threads", "same"}} {
		entries := slices.DeleteFunc(slices.Clone(f.entries), func(e record.Entry) bool { return e.Block != nil && e.Block.Restart >= restarts })
		if got := judge.Settled(record.Machine{CPUs: 2}, c, entries, restarts); !slices.Equal(got, want) {
			t.Errorf("after %d restarts %v are settled, want %v", restarts, got, want)
		}
		if got := judge.Settled(record.Machine{CPUs: 2}, c, entries, restarts+1); len(got) != 0 {
			t.Errorf("%v are settled at a look that is not planned", got)
		}
	}
}

// TestSettledClaims: what a claim expects is settled when its end is excluded,
// whatever else is open.
func TestSettledClaims(t *testing.T) {
	c := ensemble()
	c.Plan.Restarts, c.Plan.Looks = 36, []int{8, 12, 16, 24, 36}
	for _, tc := range []struct {
		name   string
		faster float64
		want   bool
	}{{"supported", 1.6, true}, {"refuted by equal arms", 1, true}, {"at its end", 1.4, false}} {
		f := newFixture(c).measure(c, 0, 16, 1, both(tc.faster, 0.02))
		if got := judge.Settled(record.Machine{CPUs: 2}, c, f.entries, 16); (len(got) == 1) != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// TestStatementsAtLooks: each variant is judged at the last look it reached,
// with what was measured up to then, and the cell says when and why it stopped.
func TestStatementsAtLooks(t *testing.T) {
	c := looked()
	f := newFixture(c)
	f.measure(c, 0, 12, 1, lookedPaces).measure(c, 12, 16, 1, without(lookedPaces, "same")).
		measure(c, 16, 36, 1, without(lookedPaces, "same", "threads"))
	v := f.end().judge().Cells[0]
	for i, want := range []struct {
		outcome  string
		restarts int
		decided  bool
		reason   string
	}{
		{record.Faster, 16, true, "99 % interval"},
		{record.Equivalent, 12, true, "(90 % interval"},
		{record.Inconclusive, 36, false, "would have been found with 95 % power"},
	} {
		k := v.Comparisons[i]
		if k.Outcome != want.outcome || k.Restarts != want.restarts || k.Look == nil || *k.Look != (record.Look{Restarts: want.restarts, Budget: 36, Decided: want.decided}) || !strings.Contains(k.Reason, want.reason) {
			t.Errorf("%s: %s after %d: %s, look %+v; want %+v", k.Variant, k.Outcome, k.Restarts, k.Reason, k.Look, want)
		}
	}
	if want := "after all 36 restarts, the most that was planned: throughput of noisy is undecided"; v.Stopped != want {
		t.Errorf("stopped %q, want %q", v.Stopped, want)
	}
	if v.Status != record.OK || v.Reason != "" {
		t.Errorf("status %s: %s", v.Status, v.Reason)
	}
}

// TestWhyItStopped is the table of what is said about the end of a cell.
func TestWhyItStopped(t *testing.T) {
	c := looked()
	c.Arms = c.Arms[:3]
	paces := without(lookedPaces, "noisy")
	for _, tc := range []struct {
		name string
		run  *fixture
		want string
	}{
		{"decided early", newFixture(c).measure(c, 0, 12, 1, paces).measure(c, 12, 16, 1, without(paces, "same")).end(),
			"after 16 of 36 restarts: every statement was decided; same after 12"},
		{"between two looks", newFixture(c).measure(c, 0, 15, 1, paces),
			"at the look after 12 of 36 restarts: throughput of threads is undecided"},
		{"before the first look", newFixture(c).measure(c, 0, 7, 1, paces), ""},
	} {
		v := tc.run.judge().Cells[0]
		if v.Stopped != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, v.Stopped, tc.want)
		}
		for _, k := range v.Comparisons {
			if tc.want == "" && (k.Outcome != record.Insufficient || !strings.Contains(k.Reason, "the first look is after 8")) {
				t.Errorf("%s: %s: %s", tc.name, k.Outcome, k.Reason)
			}
		}
	}
}

// TestNothingIsLookedAtInBetween: restarts beyond a look change no statement.
func TestNothingIsLookedAtInBetween(t *testing.T) {
	c := looked()
	at12 := newFixture(c).measure(c, 0, 12, 1, lookedPaces).judge().Cells[0].Comparisons
	f := newFixture(c).measure(c, 0, 12, 1, lookedPaces)
	wild := map[string]pace{}
	for name := range lookedPaces {
		wild[name] = pace{1, 1, 0}
	}
	at15 := f.measure(c, 12, 15, 1, wild).judge().Cells[0].Comparisons
	for i := range at12 {
		if at12[i].Ratio != at15[i].Ratio || at12[i].P != at15[i].P || at12[i].Reason != at15[i].Reason {
			t.Errorf("%s: %s\nthree restarts later: %s", at12[i].Variant, at12[i].Reason, at15[i].Reason)
		}
	}
}

// TestFamily: primary comparisons know how they stand among all of the run.
func TestFamily(t *testing.T) {
	a, b := ensemble(), looked()
	a.ID, a.Plan.Restarts = "other", 14
	f := newFixture(a, b).measure(a, 0, 14, 1, both(1.6, 0.02)).measure(b, 0, 36, 1, lookedPaces)
	v := f.end().judge()
	n := 0
	for _, c := range v.Cells {
		for _, k := range c.Comparisons {
			if k.Family == nil {
				t.Fatalf("%s is not in the family", k.Variant)
			}
			n++
			if k.Family.Size != 4 || k.Family.Adjusted < k.P || k.Family.Holm < k.P || k.Family.Adjusted > 1 {
				t.Errorf("%s: p %v, family %+v", k.Variant, k.P, *k.Family)
			}
			if found := k.Family.Adjusted < 0.01; found != (k.Variant == "threads") {
				t.Errorf("%s in %s: %+v", k.Variant, c.Scenario, *k.Family)
			}
		}
	}
	if n != 4 {
		t.Errorf("%d comparisons, want 4", n)
	}
	if k := newFixture(a).measure(a, 0, 8, 1, both(1.6, 0.02)).judge().Cells[0].Comparisons[0]; k.Family != nil {
		t.Error("a single comparison has a family")
	}
}
