package verdict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// slow says whether the simulations run in full.
func slow() bool { return os.Getenv("LENSBENCH_SLOW") != "" }

// A machine simulates samples: what its speed does from one to the next.
type machine struct {
	name    string
	within  float64 // standard deviation of one sample's own logarithm
	between float64 // of the luck of a process
	step    func(m *state, rng *rand.Rand) float64
}

// A state is a machine's at a moment.
type state struct {
	n     int     // samples so far
	burst bool    // the neighbour is at work
	level float64 // of the autocorrelated part
}

// machines are the kinds of noise that shared machines have.
var machines = []machine{
	{"quiet", 0.003, 0.001, func(*state, *rand.Rand) float64 { return 0 }},
	{"bursty", 0.01, 0.002, func(m *state, rng *rand.Rand) float64 {
		if m.burst {
			m.burst = rng.Float64() > 0.2
		} else {
			m.burst = rng.Float64() < 0.05
		}
		if m.burst {
			return 0.3 + 0.3*rng.Float64()
		}
		return 0
	}},
	{"drifting", 0.01, 0.002, func(m *state, _ *rand.Rand) float64 {
		return 0.0005*float64(m.n) + 0.1*math.Sin(float64(m.n)/40)
	}},
	{"autocorrelated", 0.01, 0.002, func(m *state, rng *rand.Rand) float64 {
		m.level = 0.95*m.level + 0.03*rng.NormFloat64()
		return m.level
	}},
}

// run simulates two arms, samples of each block in random order. The variant
// takes ratio times as long.
func (m machine) run(rng *rand.Rand, restarts, blocks int, ratio float64) (p pairOfArms) {
	var st state
	for range restarts {
		luck := [2]float64{m.between * rng.NormFloat64(), math.Log(ratio) + m.between*rng.NormFloat64()}
		var rows [2][]float64
		for range blocks {
			first := rng.IntN(2)
			for _, arm := range [2]int{first, 1 - first} {
				x := luck[arm] + m.step(&st, rng) + m.within*rng.NormFloat64()
				rows[arm] = append(rows[arm], 0.02*math.Exp(x))
				st.n++
			}
		}
		p.control, p.variant = append(p.control, rows[0]), append(p.variant, rows[1])
	}
	return p
}

func mustState(t testing.TB, p pairOfArms, restarts int, o Options) Statement {
	t.Helper()
	control, variant := p.first(restarts)
	o.OutcomeOnly = true
	s, err := Compare(control, variant, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestIntervalsCoverThePlantedTruth: at every number of restarts at which runs
// are looked at, intervals of a fixed size hold the truth as often as they say;
// and those of a run that is looked at again and again hold it at all looks
// together.
func TestIntervalsCoverThePlantedTruth(t *testing.T) {
	const truth = 1.013
	runs, spare := 500, 0.008 // two standard errors of a share near 97 %
	if slow() {
		runs, spare = 3000, 0
	}
	bands := map[float64][2]float64{0.95: {0.93, 0.97}, 0.99: {0.98, 0.997}}
	for i, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(10, uint64(i)))
			fixed, together := map[coverage]int{}, map[coverage]int{}
			for range runs {
				p := m.run(rng, 36, 5, truth)
				for confidence := range bands {
					all := true
					for _, l := range mustSpend(t, confidence, Looks(36)...) {
						if mustState(t, p, l.Restarts, Options{Confidence: confidence}).holds(truth) {
							fixed[coverage{confidence, l.Restarts}]++
						}
						all = all && mustState(t, p, l.Restarts, Options{Confidence: confidence, Look: l}).holds(truth)
					}
					if all {
						together[coverage{confidence, 0}]++
					}
				}
			}
			for what, counts := range map[string]map[coverage]int{"interval": fixed, "repeated intervals": together} {
				for at, n := range counts {
					share, band := float64(n)/float64(runs), bands[at.confidence]
					t.Logf("%s at %v, %d restarts: %.4f", what, at.confidence, at.restarts, share)
					if share < band[0]-spare || share > band[1]+spare {
						t.Errorf("%s at %v, %d restarts, cover in %.4f of %d runs, want %v to %v",
							what, at.confidence, at.restarts, share, runs, band[0], band[1])
					}
				}
			}
		})
	}
}

// A coverage is one kind of interval; restarts are 0 for all looks together.
type coverage struct {
	confidence float64
	restarts   int
}

func (s Statement) holds(ratio float64) bool { return s.Low <= ratio && ratio <= s.High }

// TestLooksKeepTheErrors: over all looks together, equal arms are told apart in
// at most 1 % of runs, arms that differ by just θ pass for equivalent in at most
// 5 %, and quiet comparisons take at most half of the time.
func TestLooksKeepTheErrors(t *testing.T) {
	runs := 300
	if slow() {
		runs = 2000
	}
	atMost := func(p float64) int { // beyond lies about 0.1 %
		return int(math.Ceil(p*float64(runs) + 3.3*math.Sqrt(p*float64(runs))))
	}
	for i, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(11, uint64(i)))
			looks := mustSpend(t, 0.99, Looks(36)...)
			count := func(ratio float64) (outcomes map[Outcome]int, share float64) {
				outcomes = map[Outcome]int{}
				restarts := 0
				for range runs {
					outcome, n := follow(t, looks, m.run(rng, 36, 20, ratio))
					outcomes[outcome]++
					restarts += n
				}
				return outcomes, float64(restarts) / float64(36*runs)
			}
			equal, share := count(1)
			t.Logf("equal arms: %v, in %.2f of the time", equal, share)
			if n := equal[Higher] + equal[Lower]; n > atMost(0.01) {
				t.Errorf("equal arms are told apart in %d of %d runs", n, runs)
			}
			if m.name == "quiet" && (share > 0.5 || equal[Equivalent] < runs*95/100) {
				t.Errorf("quiet comparisons of equal arms: %v in %.2f of the time, want equivalence in at most half", equal, share)
			}
			edge, _ := count(1.01)
			t.Logf("arms that differ by θ: %v", edge)
			if n := edge[Equivalent]; n > atMost(0.05) {
				t.Errorf("arms that differ by θ pass for equivalent in %d of %d runs", n, runs)
			}
		})
	}
}

// TestDetectableEffect: the effect that runs say they could have seen is the one
// that is found in 95 % of runs, within 20 %. An effect moves the interval with
// it, so that the one that is found in 95 % of runs is the 95th percentile of
// how far the lower bound lies below the truth.
func TestDetectableEffect(t *testing.T) {
	said, runs := 60, 1000
	if slow() {
		said, runs = 300, 5000
	}
	const blocks, level = 10, 0.005
	for i, m := range machines {
		for _, restarts := range []int{12, 24, 36} {
			t.Run(fmt.Sprintf("%s, %d restarts", m.name, restarts), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(12, uint64(i)))
				var predicted, needed []float64
				for range said {
					p := m.run(rng, restarts, blocks, 1)
					predicted = append(predicted, detectableIn(mustLogRatios(t, p.control, p.variant), level))
				}
				for range runs {
					p := m.run(rng, restarts, blocks, 1)
					needed = append(needed, -newFlipTest(mustLogRatios(t, p.control, p.variant)).bound(level))
				}
				slices.Sort(predicted)
				slices.Sort(needed)
				says, truth := predicted[len(predicted)/2], needed[NearestRank(0.95, len(needed))-1]
				t.Logf("says %.5f, found in 95 %% of runs from %.5f on: %+.1f %%", says, truth, 100*(says/truth-1))
				within := 0.2
				if restarts == 12 {
					within = 0.25 // so few restarts tell the scatter roughly, and the statement allows for it
				}
				if math.Abs(says/truth-1) > within {
					t.Errorf("runs say %.5f, and %.5f is what is found in 95 %% of them", says, truth)
				}
			})
		}
	}
}
