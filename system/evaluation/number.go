package evaluation

import (
	"math"
	"strconv"
	"strings"

	"lensbench/system/metric"
)

// absent stands where there is no number.
const absent = "–"

// A figure is an estimate in print: 0.9812 and [0.9790, 0.9834]. Bounds are rounded
// outwards, so that what is printed holds what was computed.
type figure struct{ Main, Bounds string }

func (f figure) String() string { return strings.TrimSpace(f.Main + " " + f.Bounds) }

// plain prints an estimate as it is.
func plain(e metric.Estimate) figure { return printed(e, "") }

// percent prints a share.
func percent(e metric.Estimate) figure {
	return printed(metric.Estimate{Value: 100 * e.Value, Low: 100 * e.Low, High: 100 * e.High}, " %")
}

func printed(e metric.Estimate, unit string) figure {
	switch {
	case !e.Known():
		return figure{Main: absent}
	case math.IsNaN(e.Low):
		return figure{Main: bound(e.Value) + unit}
	case e.Low == e.High:
		v := bound(e.Value)
		return figure{v + unit, "[" + v + ", " + v + "]"}
	}
	n := decimals(max(e.High-e.Value, e.Value-e.Low))
	return figure{digits(e.Value, atLeast2(e.Value, n), math.Round) + unit,
		"[" + digits(e.Low, atLeast2(e.Low, n), math.Floor) + ", " + digits(e.High, atLeast2(e.High, n), math.Ceil) + "]"}
}

// decimals are such that the longer side of an interval is 3 to 30 units of the
// last digit.
func decimals(side float64) int {
	return min(max(-int(math.Floor(math.Log10(side/3))), 0), 6)
}

// atLeast2 is n decimals, or as many as give v two digits: beside a bound that is
// far away, a small number must not become 0.
func atLeast2(v float64, n int) int {
	if v == 0 {
		return n
	}
	return min(max(n, 1-int(math.Floor(math.Log10(math.Abs(v))))), 6)
}

// digits prints v with n decimals. What is a multiple of the last one but for
// rounding stays as it is.
func digits(v float64, n int, round func(float64) float64) string {
	scale := math.Pow(10, float64(n))
	k := v * scale
	if r := math.Round(k); math.Abs(k-r) < 1e-6 {
		k = r
	} else {
		k = round(k)
	}
	return minus(strconv.FormatFloat(k/scale, 'f', n, 64))
}

// minus turns the hyphen of a negative number into a minus sign, and that of 0 away.
func minus(s string) string {
	rest, negative := strings.CutPrefix(s, "-")
	if !negative || strings.Trim(rest, "0.") == "" {
		return rest
	}
	return "−" + rest
}

// purityOf prints a purity, of which only a lower bound is known without a false
// positive.
func purityOf(p Purity, c metric.Counts) figure {
	if p.Share.Known() && c.FalsePositives == 0 {
		low := 100 * p.Share.Low
		return figure{Main: "> " + digits(low, decimals(low), math.Floor) + " %"}
	}
	return percent(p.Share)
}

// rate prints a false-positive rate of Rates: 0, 0.1 %, 10 %.
func rate(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(100*v, 'g', 6, 64) + " %"
}

// grouped prints 10000 as 10,000.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// oneIn prints a prevalence: 1 in 10,000.
func oneIn(prevalence float64) string { return "1 in " + grouped(int64(math.Round(1/prevalence))) }

// counted is a number with its noun: 1 lens, 2 lenses.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(int64(n)) + " " + many
}

// bound prints an edge or a threshold with three decimals at most.
func bound(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	if math.Abs(v) < 0.01 && v != 0 {
		s = strconv.FormatFloat(v, 'g', 3, 64)
	} else if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return minus(s)
}
