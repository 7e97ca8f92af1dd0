package sky

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// A Bn says how the constant b_n of a Sérsic profile is computed from its index.
type Bn int

const (
	// BnExact makes Radius the half-light radius: P(2n, b_n) = ½ with P the
	// regularised incomplete gamma function.
	BnExact Bn = iota
	// BnApprox is lenstronomy's 1.9992·n − 0.3271, for comparison with it; 3 %
	// too small at n = ½.
	BnApprox
)

// Value returns b_n, n > 0.
func (b Bn) Value(n float64) float64 {
	if b == BnApprox {
		return max(1.9992*n-0.3271, 1e-5)
	}
	return exactBn(n)
}

// exactBn solves P(2n, b) = ½ by Newton's method, which converges quadratically
// from the asymptotic series of Ciotti & Bertin (1999). Below n = ½, where that
// series fails, it starts from the leading term of P for small b.
func exactBn(n float64) float64 {
	a := 2 * n
	lg, _ := math.Lgamma(a)
	b := a - 1./3 + 4/(405*n) + 46/(25515*n*n)
	if n < 0.5 {
		lg1, _ := math.Lgamma(a + 1)
		b = math.Exp((lg1 - math.Ln2) / a)
	}
	for range 50 {
		density := math.Exp((a-1)*math.Log(b) - b - lg)
		next := b - (mathext.GammaIncReg(a, b)-0.5)/density
		if next <= 0 {
			next = b / 2
		}
		if math.Abs(next-b) <= 1e-15*b {
			return next
		}
		b = next
	}
	return b
}
