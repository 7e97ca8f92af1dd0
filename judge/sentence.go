package judge

import (
	"fmt"
	"math"
	"strings"

	"lensbench/record"
	"lensbench/verdict"
)

// sentence says a comparison in words and numbers.
func sentence(k record.Comparison) string {
	s := ratio(k, decimals(k))
	if k.Look != nil && !(k.Low > 0) && k.Inner != nil {
		inner := k
		inner.Low, inner.High, inner.Confidence = k.Inner.Low, k.Inner.High, 1-2*verdict.EquivalenceLevel
		s = ratio(inner, decimals(inner))
	}
	switch k.Outcome {
	case record.Insufficient:
		if k.Restarts < verdict.MinRestarts {
			return fmt.Sprintf("%s/%s = %s in %s; a verdict needs %d",
				k.Variant, k.Control, digits(k.Ratio, 2), count(k.Restarts, "restart"), verdict.MinRestarts)
		}
		return s + "; the interval has no end"
	case record.Equivalent:
		return fmt.Sprintf("%s, within ±%s", s, percent(k.Theta))
	case record.Inconclusive:
		if math.IsInf(k.MDE, 1) {
			return fmt.Sprintf("%s; a difference cannot be proven at this look", s)
		}
		return fmt.Sprintf("%s; a difference of %s would have been found with 95 %% power", s, percent(k.MDE))
	}
	return s
}

// dissent says that the bootstrap does not confirm a difference.
func dissent(k record.Comparison) string {
	b := k.Bootstrap
	differs := k.Low > 1 || k.High < 1
	if b == nil || !differs || b.Low > 1 || b.High < 1 {
		return ""
	}
	n := decimals(k)
	return fmt.Sprintf("; a cluster bootstrap does not confirm it: %s–%s", digits(b.Low, n), digits(b.High, n))
}

// ratio is "threads/sequential = 1.02 (99 % interval 0.99–1.05)".
func ratio(k record.Comparison, places int) string {
	s := fmt.Sprintf("%s/%s = %s", k.Variant, k.Control, digits(k.Ratio, places))
	if k.Exact {
		return s + " exactly"
	}
	return fmt.Sprintf("%s (%.3g %% interval %s–%s)", s, 100*k.Confidence, digits(k.Low, places), digits(k.High, places))
}

const maxDecimals = 5

// decimals is how many a ratio is worth: as many as give the interval's
// half-width two digits, from two to maxDecimals.
func decimals(k record.Comparison) int {
	width := (k.High - k.Low) / 2
	if k.Exact {
		return 3
	}
	if !(width > 0) || math.IsInf(width, 0) {
		return 2
	}
	return min(max(2, int(math.Ceil(-math.Log10(width)))+1), maxDecimals)
}

// against is a ratio beside a claimed one, with enough decimals to see on which
// side of it each end of the interval lies.
func against(k record.Comparison, e record.Expect) string {
	n := decimals(k)
	looksEqual := func(v float64) bool { return v != e.Ratio && digits(v, n) == digits(e.Ratio, n) }
	for n < maxDecimals && (looksEqual(k.Low) || looksEqual(k.High)) {
		n++
	}
	return fmt.Sprintf("%s, claimed %s", ratio(k, n), claimed(e))
}

// claimed is "≥ 1.40".
func claimed(e record.Expect) string {
	op := map[string]string{">=": "≥", "<=": "≤"}[e.Op]
	if hundredths := 100 * e.Ratio; math.Abs(hundredths-math.Round(hundredths)) < 1e-9 {
		return op + " " + digits(e.Ratio, 2)
	}
	return fmt.Sprintf("%s %g", op, e.Ratio)
}

func digits(v float64, places int) string {
	switch {
	case math.IsInf(v, 1):
		return "∞"
	case math.IsNaN(v):
		return "?"
	}
	return fmt.Sprintf("%.*f", places, v)
}

// percent writes a fraction with two significant digits, whole from 10 % on.
func percent(fraction float64) string {
	p := 100 * fraction
	switch {
	case math.IsInf(p, 1):
		return "∞ %"
	case p >= 10:
		return fmt.Sprintf("%.0f %%", p)
	}
	return fmt.Sprintf("%.2g %%", p)
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
