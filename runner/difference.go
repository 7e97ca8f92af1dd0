package runner

import (
	"fmt"
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// difference measures how far outputs are from the control's by a rule, and
// says why they do not pass; "" if they do. Without a number it is NaN.
func difference(e record.Equal, got, want protocol.Outputs) (worst float64, why string) {
	switch e.Rule {
	case record.RuleDigest:
		return digestDifference(e, got, want)
	case record.RuleSeedBand:
		return bandDifference(e, got, want)
	case record.RuleBound:
		return boundDifference(e, got)
	case record.RuleScores:
		return scoreDifference(e, got, want)
	}
	return valueDifference(e, got, want)
}

// valueDifference compares values one by one.
func valueDifference(e record.Equal, got, want protocol.Outputs) (float64, string) {
	if !slices.Equal(got.Shape, want.Shape) {
		return math.NaN(), fmt.Sprintf("%s have shape %v, the control's %v", e.Output, got.Shape, want.Shape)
	}
	scale, of := func(b float64) float64 { return max(1, math.Abs(b)) }, ""
	if e.Rule == record.RuleLargest {
		largest := largestOf(want.Values)
		scale, of = func(float64) float64 { return largest }, " of the largest"
	}
	worst := worstDifference(got.Values, want.Values, scale)
	switch {
	case math.IsNaN(worst):
		return worst, e.Output + " are not finite numbers"
	case worst > e.Tolerance:
		return worst, fmt.Sprintf("%s differ from the control's by up to %.3g%s; the tolerance is %g", e.Output, worst, of, e.Tolerance)
	case e.Tolerance == 0 && (got.Digest != want.Digest || !slices.Equal(got.Digests, want.Digests)):
		return worst, e.Output + " have other bits than the control's: " + firstPart(got, want)
	}
	return worst, ""
}

func largestOf(values []protocol.Number) float64 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(float64(v)))
	}
	return largest
}

// worstDifference is the largest |a−b| ÷ scale(b) of two lists of the same
// length. Anything that is not finite in either makes it NaN, which no
// tolerance admits.
func worstDifference(a, b []protocol.Number, scale func(float64) float64) float64 {
	worst := 0.0
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		d := math.Abs(x - y)
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return math.NaN()
		}
		if d > 0 { // a scale may be 0
			worst = max(worst, d/scale(y))
		}
	}
	return worst
}

// digestDifference counts the parts that differ.
func digestDifference(e record.Equal, got, want protocol.Outputs) (float64, string) {
	if got.Digest == want.Digest && slices.Equal(got.Digests, want.Digests) {
		return 0, ""
	}
	n := max(len(got.Digests), len(want.Digests), 1)
	differ := 0
	for i := range n {
		if partOf(got, i) != partOf(want, i) {
			differ++
		}
	}
	return float64(max(1, differ)), fmt.Sprintf("%s differ from the control's: %s", e.Output, firstPart(got, want))
}

// firstPart names the first part that differs.
func firstPart(got, want protocol.Outputs) string {
	for i := range max(len(got.Digests), len(want.Digests)) {
		if g, w := partOf(got, i), partOf(want, i); g != w {
			return fmt.Sprintf("part %d of %d is %.12s, the control's %.12s", i+1, len(want.Digests), g, w)
		}
	}
	return fmt.Sprintf("they digest to %.12s, the control's to %.12s", got.Digest, want.Digest)
}

func partOf(o protocol.Outputs, i int) string {
	if i >= len(o.Digests) {
		return "absent"
	}
	return o.Digests[i]
}

// bandDifference asks whether the means over seeds lie in the control's seed-to-seed
// bands: of one measure, or of every row of several. The worst counts, and the first
// that is outside is named.
func bandDifference(e record.Equal, got, want protocol.Outputs) (worst float64, why string) {
	if len(got.Shape) != len(want.Shape) || measures(got) != measures(want) {
		return math.NaN(), fmt.Sprintf("%s have shape %v, the control's %v", e.Output, got.Shape, want.Shape)
	}
	for i := range measures(got) {
		name := measureName(e.Output, i, measures(got))
		b, err := verdict.SeedBand(row(want, i), row(got, i))
		if err != nil {
			return math.NaN(), fmt.Sprintf("%s: %v", name, err)
		}
		d := b.Distance()
		worst = max(worst, d)
		if !(d <= e.Tolerance) && why == "" {
			why = fmt.Sprintf("%s has mean %.4g over %d seeds, outside of the control's seed-to-seed band %.4g–%.4g (99 %%)",
				name, b.Mean, seeds(got), b.Center-b.Half, b.Center+b.Half)
		}
	}
	return worst, why
}

// seeds is the number of values of each measure, and measures that of measures.
func seeds(o protocol.Outputs) int {
	if len(o.Shape) == 0 {
		return 0
	}
	return o.Shape[len(o.Shape)-1]
}

func measures(o protocol.Outputs) int { return len(o.Values) / max(seeds(o), 1) }

// row returns the values of a measure.
func row(o protocol.Outputs, i int) []float64 {
	return floats(o.Values[i*seeds(o) : (i+1)*seeds(o)])
}

// measureName names one measure of n.
func measureName(output string, i, n int) string {
	if names := protocol.FinalQualities(); output == protocol.CheckFinalQuality && n == len(names) {
		return output + ": " + names[i]
	}
	if n == 1 {
		return output
	}
	return fmt.Sprintf("%s: measure %d of %d", output, i+1, n)
}

// boundDifference asks whether all values are finite and bounded.
func boundDifference(e record.Equal, got protocol.Outputs) (float64, string) {
	for i, v := range got.Values {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			return math.NaN(), fmt.Sprintf("%s: value %d of %d is %v; all must be finite", e.Output, i+1, len(got.Values), x)
		}
	}
	largest := largestOf(got.Values)
	if largest > e.Tolerance {
		return largest, fmt.Sprintf("%s are up to %.4g; the bound is %g", e.Output, largest, e.Tolerance)
	}
	return largest, ""
}

func floats(values []protocol.Number) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}
