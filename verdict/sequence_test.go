package verdict

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func mustSpend(t testing.TB, confidence float64, looks ...int) []Look {
	t.Helper()
	out, err := Spend(looks, confidence)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSpending compares the levels of the standard looks with the spending
// function worked out by other means (Python's math.erfc), which a
// look spends what is new of.
func TestSpending(t *testing.T) {
	looks := mustSpend(t, 0.99, 8, 12, 16, 24, 36)
	for i, want := range []struct{ difference, equivalence float64 }{
		{0, 0},                             // 2.6e-9 and 3.2e-5 lie below 2^−8
		{0, 6.8689e-4},                     // 1.2e-6 lies below 2^−12
		{2.5475e-5, 3.2827e-3 - 6.8689e-4}, // from here on both can stop
		{5.8624e-4 - 2.5475e-5, 0.0163747 - 3.2827e-3},
		{0.005 - 5.8624e-4, 0.05 - 0.0163747},
	} {
		d, e := looks[i].Difference*0.005, looks[i].Equivalence*EquivalenceLevel
		if math.Abs(d-want.difference) > 1e-3*want.difference || math.Abs(e-want.equivalence) > 1e-3*want.equivalence {
			t.Errorf("%d restarts: levels %.5g and %.5g, want %.5g and %.5g", looks[i].Restarts, d, e, want.difference, want.equivalence)
		}
	}
}

// TestSharesOfLooks: what looks spend adds up to the whole, and none has a level
// that no p can reach.
func TestSharesOfLooks(t *testing.T) {
	for _, looks := range [][]int{{8}, {8, 12}, {12, 16}, {8, 12, 16, 24, 36}, {8, 9, 10, 11, 12, 13, 14}, {100, 1000}, {1, 2, 3}} {
		for _, confidence := range []float64{0.95, 0.99} {
			difference, equivalence := 0.0, 0.0
			for _, l := range mustSpend(t, confidence, looks...) {
				difference, equivalence = difference+l.Difference, equivalence+l.Equivalence
				floor := math.Ldexp(1, -l.Restarts)
				for _, level := range []float64{l.Difference * (1 - confidence) / 2, l.Equivalence * EquivalenceLevel} {
					if level != 0 && level < floor {
						t.Errorf("looks %v: level %v after %d restarts, where p is at least %v", looks, level, l.Restarts, floor)
					}
				}
				if l.Budget != looks[len(looks)-1] || l.Last() != (l.Restarts == l.Budget) {
					t.Errorf("looks %v: %+v", looks, l)
				}
			}
			reachable := math.Ldexp(1, -looks[len(looks)-1]) <= (1-confidence)/2
			if reachable && (math.Abs(difference-1) > 1e-12 || math.Abs(equivalence-1) > 1e-12) {
				t.Errorf("looks %v at %v: shares sum to %v and %v, want 1", looks, confidence, difference, equivalence)
			}
		}
	}
	for _, looks := range [][]int{nil, {0}, {8, 8}, {12, 8}} {
		if _, err := Spend(looks, 0.99); err == nil {
			t.Errorf("looks %v are accepted", looks)
		}
	}
	if _, err := Spend([]int{8}, 1.5); err == nil {
		t.Error("a confidence of 1.5 is accepted")
	}
}

func TestLooksOfABudget(t *testing.T) {
	for budget, want := range map[int][]int{
		3: {3}, 8: {8}, 9: {8, 9}, 24: {8, 12, 16, 24}, 36: {8, 12, 16, 24, 36}, 50: {8, 12, 16, 24, 36, 50},
	} {
		if got := Looks(budget); !slices.Equal(got, want) {
			t.Errorf("looks on the way to %d: %v, want %v", budget, got, want)
		}
	}
	looks := mustSpend(t, 0.99, 8, 12, 16)
	for n, want := range map[int]int{7: 0, 8: 8, 11: 8, 12: 12, 15: 12, 16: 16, 40: 16} {
		l, ok := At(looks, n)
		if l.Restarts != want || ok != (want > 0) {
			t.Errorf("after %d restarts the look is that after %d, want %d", n, l.Restarts, want)
		}
	}
}

// TestOneLookIsAFixedNumber: a plan with a single look says the same as one
// without looks, to the bit.
func TestOneLookIsAFixedNumber(t *testing.T) {
	control, variant := arms(rand.New(rand.NewPCG(7, 1)), 12, 5, 1.01, 0.02)
	fixed := mustCompare(t, control, variant)
	planned, err := Compare(control, variant, Options{Look: mustSpend(t, 0.99, 12)[0]})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fixed, planned) {
		t.Errorf("fixed %+v\nplanned %+v", fixed, planned)
	}
}

// TestOutcomesAtALook is what a comparison may come to at each kind of look.
func TestOutcomesAtALook(t *testing.T) {
	looks := mustSpend(t, 0.99, 8, 12, 16, 24, 36)
	for _, tc := range []struct {
		name           string
		look           int
		ratio, scatter float64
		want           Outcome
		open, mde      bool // the interval is open; there is a detectable effect
	}{
		{"nothing can stop at 8", 0, 2, 0.001, Inconclusive, true, false},
		{"equal, at 8", 0, 1, 0.001, Inconclusive, true, false},
		{"no difference can be proven at 12", 1, 2, 0.001, Inconclusive, true, false},
		{"equivalence can, at 12", 1, 1, 0.002, Equivalent, true, false},
		{"a difference can, at 16", 2, 1.10, 0.01, Higher, false, true},
		{"in either direction", 2, 0.90, 0.01, Lower, false, true},
		{"dimly seen, at 24", 3, 1, 0.5, Inconclusive, false, true},
		{"dimly seen, at the budget", 4, 1, 0.5, Inconclusive, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := looks[tc.look]
			control, variant := arms(rand.New(rand.NewPCG(7, 2)), l.Restarts, 8, tc.ratio, tc.scatter)
			s, err := Compare(control, variant, Options{Look: l})
			if err != nil {
				t.Fatal(err)
			}
			if s.Outcome != tc.want || (s.Low == 0) != tc.open || math.IsInf(s.High, 1) != tc.open || math.IsInf(s.MDE, 1) == tc.mde {
				t.Errorf("want %s\n%+v", tc.want, s)
			}
			if s.Outcome == Equivalent && (s.Inner.Low < 1/1.01 || s.Inner.High > 1.01 || s.Inner.Confidence != 0.9) {
				t.Errorf("equivalent, but the tests of equivalence leave %+v", s.Inner)
			}
			quick, err := Compare(control, variant, Options{Look: l, OutcomeOnly: true})
			if err != nil || quick.Outcome != s.Outcome || quick.Low != s.Low || quick.P != s.P || !math.IsNaN(quick.MDE) {
				t.Errorf("outcome alone: %v %+v", err, quick)
			}
		})
	}
}

// TestOverallP: the p that holds over all looks rejects exactly where the look
// does, and tells no more than the p of a fixed number.
func TestOverallP(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	looks := mustSpend(t, 0.99, 8, 12, 16, 24)
	rejected := 0
	for range 60 {
		ratio := 1 + 0.04*rng.Float64()
		for _, l := range looks {
			control, variant := arms(rng, l.Restarts, 5, ratio, 0.02)
			s, err := Compare(control, variant, Options{Look: l, OutcomeOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			fixed := mustCompareQuick(t, control, variant)
			if s.P < fixed.P || s.Equivalence < fixed.Equivalence {
				t.Fatalf("P %v and %v at a look, %v and %v without", s.P, s.Equivalence, fixed.P, fixed.Equivalence)
			}
			if out := s.Low > 1 || s.High < 1; out != (s.P <= 1-s.Confidence) {
				t.Fatalf("interval %v–%v and P %v contradict each other", s.Low, s.High, s.P)
			} else if out {
				rejected++
			}
		}
	}
	if rejected < 20 {
		t.Errorf("only %d rejections: the test tests nothing", rejected)
	}
}

func mustCompareQuick(t testing.TB, control, variant [][]float64) Statement {
	t.Helper()
	s, err := Compare(control, variant, Options{OutcomeOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTraceSequential follows the looks on real noise: over all of them the same
// code alarms in at most 1 % of runs, and +2 % is found nearly as often as with
// the whole budget, in less time.
func TestTraceSequential(t *testing.T) {
	const draws = 200
	tr := readTrace(t)
	rng := rand.New(rand.NewPCG(7, 4))
	looks := mustSpend(t, 0.99, Looks(36)...)
	for _, tc := range []struct {
		variant         int
		atLeast, atMost int     // proven, of draws
		time            float64 // share of the budget, at most
	}{
		{armSame, 0, 7, 1}, // 2 are expected; more than 7 have probability 0.1 %
		{armTwo, 190, 200, 0.75},
	} {
		for k, kernel := range kernels {
			proven, restarts := 0, 0
			for range draws {
				c := drawn(t, rng, tr[k][armA], tr[k][tc.variant], looks[len(looks)-1].Restarts)
				outcome, n := follow(t, looks, c)
				restarts += n
				if outcome == Higher || outcome == Lower {
					proven++
				}
			}
			share := float64(restarts) / float64(draws*36)
			t.Logf("%s, variant %d: proven in %d of %d, %.2f of the budget", kernel, tc.variant, proven, draws, share)
			if proven < tc.atLeast || proven > tc.atMost || share > tc.time {
				t.Errorf("%s, variant %d: proven in %d of %d with %.2f of the budget, want %d to %d with %.2f", kernel, tc.variant, proven, draws, share, tc.atLeast, tc.atMost, tc.time)
			}
		}
	}
}

// A pairOfArms is two arms' samples by restart and block.
type pairOfArms struct{ control, variant [][]float64 }

func (p pairOfArms) first(restarts int) (control, variant [][]float64) {
	return p.control[:restarts], p.variant[:restarts]
}

func drawn(t *testing.T, rng *rand.Rand, control, variant [][]float64, restarts int) (p pairOfArms) {
	t.Helper()
	for _, r := range rng.Perm(restartsAll)[:restarts] {
		p.control, p.variant = append(p.control, control[r]), append(p.variant, variant[r])
	}
	return p
}

// follow looks at a comparison as planned until it is decided.
func follow(t testing.TB, looks []Look, p pairOfArms) (Outcome, int) {
	t.Helper()
	for _, l := range looks {
		control, variant := p.first(l.Restarts)
		s, err := Compare(control, variant, Options{Look: l, OutcomeOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if s.Outcome != Inconclusive || l.Last() {
			return s.Outcome, l.Restarts
		}
	}
	panic("unreachable: the last look ends it")
}
