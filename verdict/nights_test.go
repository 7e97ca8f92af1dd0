package verdict

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// manyNights draws nights whose effects and restarts scatter.
func manyNights(rng *rand.Rand, nights, restarts int, between, within float64) []NightValue {
	out := make([]NightValue, nights)
	for n := range out {
		effect := between * rng.NormFloat64()
		for range restarts {
			out[n] = append(out[n], 3*math.Exp(effect+within*rng.NormFloat64()))
		}
	}
	return out
}

// TestTheNextNightLiesWithinThePool: 99 % of further nights do, whether nights or
// restarts scatter more. As if restarts were independent, few would.
func TestTheNextNightLiesWithinThePool(t *testing.T) {
	const runs = 4000
	rng := rand.New(rand.NewPCG(20, 1))
	for _, tc := range []struct {
		nights, restarts int
		between, within  float64
	}{{5, 8, 0.1, 0.01}, {5, 8, 0, 0.05}, {14, 24, 0.05, 0.05}, {40, 3, 0.2, 0.1}} {
		inside := 0
		for range runs {
			all := manyNights(rng, tc.nights+1, tc.restarts, tc.between, tc.within)
			p, err := PoolNights(all[:tc.nights])
			if err != nil {
				t.Fatal(err)
			}
			where, _, err := p.Place(all[tc.nights])
			if err != nil {
				t.Fatal(err)
			}
			if where == Inconclusive {
				inside++
			}
		}
		// 99 % of 4,000, and four standard errors.
		if share := float64(inside) / runs; math.Abs(share-0.99) > 0.0063 {
			t.Errorf("%+v: %v of further nights lie within, want 0.99", tc, share)
		}
	}
}

// TestNightsAreARandomEffect: the parts of the scatter are told apart.
func TestNightsAreARandomEffect(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 2))
	p, err := PoolNights(manyNights(rng, 400, 16, 0.05, 0.08))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(p.Between-0.05) > 0.006 || math.Abs(p.Within-0.02) > 0.001 || math.Abs(p.Value-3) > 0.05 || p.Nights != 400 {
		t.Errorf("%+v, want 0.05 between nights and 0.08 ÷ √16 within, around 3", p)
	}
	if p, err = PoolNights(manyNights(rng, 400, 4, 0, 0.1)); err != nil || p.Between > 0.02 {
		t.Errorf("%+v, %v: nights without an effect have one", p, err)
	}
}

func TestPoolPlaces(t *testing.T) {
	p := Pool{Low: 2, High: 4}
	for v, want := range map[float64]Outcome{1.9: Lower, 2.1: Inconclusive, 3.9: Inconclusive, 4.1: Higher} {
		if got, at, err := p.Place(NightValue{v}); got != want || math.Abs(at-v) > 1e-12 || err != nil {
			t.Errorf("%v: %v at %v, %v", v, got, at, err)
		}
	}
	if _, _, err := p.Place(nil); err == nil {
		t.Error("a night without restarts has a place")
	}
}

func TestTooFewNightsAreNoBaseline(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 3))
	if _, err := PoolNights(manyNights(rng, 4, 8, 0.1, 0.1)); err == nil || err.Error() != "4 nights; a baseline needs 5" {
		t.Errorf("%v", err)
	}
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		nights := manyNights(rng, 5, 8, 0.1, 0.1)
		nights[2][3] = v
		if _, err := PoolNights(nights); err == nil || !strings.HasPrefix(err.Error(), "night 3: restart 4: ") {
			t.Errorf("%v: %v", v, err)
		}
	}
}
