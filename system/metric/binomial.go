package metric

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence is that of all intervals.
const Confidence = 0.95

// An Estimate is a number with the bounds of its interval. What is not defined is
// NaN, in JSON null.
type Estimate struct {
	Value, Low, High float64
}

// Known says whether there is a value.
func (e Estimate) Known() bool { return !math.IsNaN(e.Value) }

// MarshalJSON writes {"value": v, "low": l, "high": h}.
func (e Estimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]*float64{"value": number(e.Value), "low": number(e.Low), "high": number(e.High)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Estimate) UnmarshalJSON(b []byte) error {
	var v struct{ Value, Low, High *float64 }
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("estimate: %w", err)
	}
	e.Value, e.Low, e.High = orNaN(v.Value), orNaN(v.Low), orNaN(v.High)
	return nil
}

func number(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// Binomial returns the share k/n with the interval of Clopper and Pearson (1934,
// Biometrika 26, 404), which holds the true share at least as often as it says,
// for any share and n. Of k = 0 in n it is 0 to 3.7/n. It is for what must not
// be promised too much: false-positive rates.
func Binomial(k, n int64) Estimate { return binomial(k, n, 1-Confidence) }

func binomial(k, n int64, alpha float64) Estimate {
	e := Estimate{share(k, n), 0, 1}
	if n == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	a, b := float64(k), float64(n-k)
	switch {
	case k == 0: // in closed form, which mathext has not to the last digit
		e.High = -math.Expm1(math.Log(alpha/2) / b)
	case k == n:
		e.Low = math.Pow(alpha/2, 1/a)
	default:
		e.Low = mathext.InvRegIncBeta(a, b+1, alpha/2)
		e.High = mathext.InvRegIncBeta(a+1, b, 1-alpha/2)
	}
	return e
}

// Wilson returns the share k/n with the interval of Wilson (1927, JASA 22, 209),
// which holds the true share about as often as it says, and is shorter than
// Binomial's. It is for curves.
func Wilson(k, n int64) Estimate {
	if n == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	z := distuv.UnitNormal.Quantile(1 - (1-Confidence)/2)
	p, m := share(k, n), float64(n)
	centre := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	e := Estimate{p, (centre - half) / (1 + z*z/m), (centre + half) / (1 + z*z/m)}
	// Exact at the ends, where rounding could exclude the share itself.
	if k == 0 {
		e.Low = 0
	}
	if k == n {
		e.High = 1
	}
	return e
}

// Purity returns the share of lenses in what passes where one image in 1/prevalence
// is a lens: π·TPR / (π·TPR + (1−π)·FPR).
//
// The bounds are those for the worst and best TPR and FPR, each at a confidence
// of 1 − α/2, so that both hold at once with 1 − α. They speak also when no
// false positive was seen in N: then the value is 1, but only the lower bound is
// known, and it cannot be near 1 unless N is far above 1/prevalence.
func (c Counts) Purity(prevalence float64) Estimate {
	alpha := (1 - Confidence) / 2
	tpr, fpr := binomial(c.TruePositives, c.Lenses(), alpha), binomial(c.FalsePositives, c.Others(), alpha)
	of := func(tpr, fpr float64) float64 {
		return prevalence * tpr / (prevalence*tpr + (1-prevalence)*fpr)
	}
	e := Estimate{of(tpr.Value, fpr.Value), of(tpr.Low, fpr.High), of(tpr.High, fpr.Low)}
	return e
}
