package verdict

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Looks are the restart counts at which a comparison may be looked at on its
// way to a budget: 8, 12, 16, 24, 36 as far as they lie below it, and the
// budget itself.
func Looks(budget int) []int {
	looks := slices.DeleteFunc([]int{8, 12, 16, 24, 36}, func(r int) bool { return r >= budget })
	return append(looks, budget)
}

// A Look is one of the planned moments at which a comparison may stop. Its
// shares are of the error that all looks together may make. The zero Look is
// the only one, with all of it.
type Look struct {
	Restarts    int     // that it comes after
	Budget      int     // restarts after which nothing more is measured
	Difference  float64 // of 1 − Options.Confidence, in [0, 1]; 0: cannot stop for a difference
	Equivalence float64 // of EquivalenceLevel, in [0, 1]; 0: cannot stop for equivalence
}

// Last says whether nothing comes after the look.
func (l Look) Last() bool { return l.Restarts == l.Budget }

// Spend shares the errors out among looks at ascending restart counts, by the
// O'Brien–Fleming-type spending function of Lan and DeMets (Biometrika 70,
// 1983): a one-sided test that may err with probability α has spent
//
//	α(t) = 2 − 2 Φ(z(1−α/2) / √t)
//
// at the share t of its restarts. Early looks get very little, and the last
// one nearly all, so that a run to the end loses hardly any power.
//
// A look's test is made at what is spent since the look before, and not, as
// their paper does, at what the joint distribution of all looks leaves. That
// sum bounds the error whatever the joint distribution is: the tests stay
// exact. It costs a tenth of a difference's error at the last look.
//
// With R restarts no one-sided p is below 2^−R. A look whose level is cannot
// stop anything; its share goes to the next.
func Spend(looks []int, confidence float64) ([]Look, error) {
	if len(looks) == 0 {
		return nil, fmt.Errorf("no looks: want at least one number of restarts")
	}
	for i, r := range looks {
		if r < 1 || i > 0 && r <= looks[i-1] {
			return nil, fmt.Errorf("looks after %v restarts: want ascending numbers from 1", looks)
		}
	}
	o, err := Options{Confidence: confidence}.withDefaults()
	if err != nil {
		return nil, err
	}
	difference := shares(looks, (1-o.Confidence)/2)
	equivalence := shares(looks, EquivalenceLevel)
	out := make([]Look, len(looks))
	for i, r := range looks {
		out[i] = Look{Restarts: r, Budget: looks[len(looks)-1], Difference: difference[i], Equivalence: equivalence[i]}
	}
	return out, nil
}

// shares are the parts of a one-sided level that are spent at each look.
func shares(looks []int, level float64) []float64 {
	out := make([]float64, len(looks))
	budget, spent := float64(looks[len(looks)-1]), 0.0
	for i, r := range looks {
		total := obrienFleming(float64(r)/budget, level) / level
		if share := total - spent; level*share >= math.Ldexp(1, -r) {
			out[i], spent = share, total
		}
	}
	return out
}

// obrienFleming is the spending function at the share t of the restarts.
func obrienFleming(t, level float64) float64 {
	if t >= 1 {
		return level
	}
	n := distuv.UnitNormal
	return 2 * n.Survival(n.Quantile(1-level/2)/math.Sqrt(t))
}

// At returns the last look that n restarts have reached; ok is false if there
// is none yet.
func At(looks []Look, n int) (l Look, ok bool) {
	for _, next := range looks {
		if next.Restarts > n {
			break
		}
		l, ok = next, true
	}
	return l, ok
}

// Overall turns a p at this look into one that holds over all of them: the
// smallest error of all looks together with which this one would have rejected
// what p stands for.
func (l Look) Overall(p float64) float64 {
	if l.Budget == 0 {
		return p
	}
	return overall(p, l.Difference)
}

// levels are those of the one-sided tests of a statement; 0 where the look
// cannot stop.
type levels struct {
	difference, equivalence float64
	shareD, shareE          float64
}

func (o Options) levels() levels {
	l := levels{shareD: 1, shareE: 1}
	if o.Look.Budget > 0 {
		l.shareD, l.shareE = o.Look.Difference, o.Look.Equivalence
	}
	l.difference, l.equivalence = (1-o.Confidence)/2*l.shareD, EquivalenceLevel*l.shareE
	return l
}

// overall divides by the share: if any error is shared out in the same
// proportions, the looks' tests sum to it.
func overall(p, share float64) float64 {
	if p >= share {
		return 1
	}
	return p / share
}
