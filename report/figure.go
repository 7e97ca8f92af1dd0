package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"lensbench/record"
)

// absent stands where there is no number.
const absent = "–"

// A figure is a number in print: the estimate with its unit, and beside it what
// a reader needs to trust it. Detail may be empty.
type figure struct{ main, detail string }

// A unit scales a quantity for print.
type unit struct {
	name string
	size float64
	from float64 // smallest value that is printed in it
}

// Units from large to small; the last is for all that is smaller.
var (
	plainUnits  = []unit{{"", 1, 0}}
	timeUnits   = []unit{{" s", 1, 1}, {" ms", 1e-3, 1e-3}, {" µs", 1e-6, 1e-6}, {" ns", 1e-9, 0}}
	energyUnits = []unit{{" kJ", 1e3, 1e3}, {" J", 1, 1}, {" mJ", 1e-3, 0}}
	rateUnits   = []unit{{"M", 1e6, 1e6}, {"k", 1e3, 1e4}, {"", 1, 0}}
	byteUnits   = []unit{{" GiB", 1 << 30, 1 << 30}, {" MiB", 1 << 20, 1 << 20}, {" KiB", 1 << 10, 1 << 10}, {" B", 1, 0}}
)

func unitOf(v float64, units []unit) unit {
	for _, u := range units {
		if math.Abs(v) >= u.from {
			return u
		}
	}
	return units[len(units)-1]
}

// commonUnit is one in which all values can be read side by side: that of the
// smallest, if the largest is less than a hundred times it. Otherwise there is
// none and units are returned as they are.
func commonUnit(values []float64, units []unit) []unit {
	var sizes []float64
	for _, v := range values {
		if v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) {
			sizes = append(sizes, math.Abs(v))
		}
	}
	if len(sizes) == 0 || slices.Max(sizes) >= 100*slices.Min(sizes) {
		return units
	}
	return []unit{unitOf(slices.Min(sizes), units)}
}

// interval prints an estimate with its bounds: 1.17 s and [1.15, 1.19].
func interval(i record.Interval, units []unit) figure {
	if i.N == 0 || math.IsNaN(i.Value) {
		return figure{main: absent}
	}
	u := unitOf(i.Value, units)
	value, low, high := i.Value/u.size, i.Low/u.size, i.High/u.size
	if i.N == 1 {
		return figure{significant(value) + u.name, "one value"}
	}
	if open(low, high) {
		return figure{significant(value) + u.name, "no interval"}
	}
	step := stepOf(value, low, high)
	return figure{figures(value, step, math.Round) + u.name, bounds(low, high, step)}
}

// ratio prints the ratio of a comparison.
func ratio(c record.Comparison) figure {
	switch {
	case math.IsNaN(c.Ratio) || c.Ratio == 0:
		return figure{main: absent}
	case c.Exact:
		return figure{significant(c.Ratio), "exact"}
	case onlyInner(c):
		c.Low, c.High = c.Inner.Low, c.Inner.High
	case open(c.Low, c.High):
		return figure{significant(c.Ratio), "no interval"}
	}
	step := stepOf(c.Ratio, c.Low, c.High)
	return figure{figures(c.Ratio, step, math.Round), bounds(c.Low, c.High, step)}
}

// onlyInner says whether the interval is that of the tests of equivalence, since
// the look came too early for the other.
func onlyInner(c record.Comparison) bool {
	return c.Look != nil && open(c.Low, c.High) && c.Inner != nil
}

// open says whether neither bound says anything.
func open(low, high float64) bool {
	return math.IsNaN(low) || math.IsNaN(high) || low <= 0 && math.IsInf(high, 1)
}

// stepOf is the power of ten to which the numbers of an interval are rounded:
// its longer side is 3 to 30 steps. A side that is open does not count.
func stepOf(value, low, high float64) float64 {
	side := 0.0
	for _, bound := range []float64{low, high} {
		if !math.IsInf(bound, 0) {
			side = max(side, math.Abs(bound-value))
		}
	}
	// Seven digits are more than any measured time supports.
	side = max(side, 3e-5*math.Abs(value))
	if side == 0 {
		return 1
	}
	return powerOf10(side / 3)
}

// atLeast2 is a step with which v keeps two digits: beside a bound that is far
// away, a small number must not become 0.
func atLeast2(v, step float64) float64 {
	if v == 0 || math.IsInf(v, 0) {
		return step
	}
	return min(step, powerOf10(math.Abs(v))/10)
}

// powerOf10 is the largest power of ten that is at most v.
func powerOf10(v float64) float64 { return math.Pow(10, math.Floor(math.Log10(v))) }

// bounds prints an interval, each bound rounded away from the estimate.
func bounds(low, high, step float64) string {
	lo, hi := "−∞", "∞"
	if !math.IsInf(low, 0) {
		lo = figures(low, step, math.Floor)
	}
	if !math.IsInf(high, 0) {
		hi = figures(high, step, math.Ceil)
	}
	return "[" + lo + ", " + hi + "]"
}

// figures prints v to the step of its interval.
func figures(v, step float64, round func(float64) float64) string {
	return rounded(v, atLeast2(v, step), round)
}

// rounded prints v as a multiple of step, a power of ten. What is a multiple
// but for the last bits stays as it is.
func rounded(v, step float64, round func(float64) float64) string {
	n := v / step
	if r := math.Round(n); math.Abs(n-r) < 1e-6 {
		n = r
	} else {
		n = round(n)
	}
	decimals := max(0, int(math.Round(-math.Log10(step))))
	return minus(strconv.FormatFloat(n*step, 'f', decimals, 64))
}

// significant prints v with three digits, for numbers without an interval.
func significant(v float64) string {
	if v == 0 || math.IsInf(v, 0) {
		return minus(fmt.Sprint(v))
	}
	return rounded(v, powerOf10(math.Abs(v))/100, math.Round)
}

// minus turns the hyphen of a negative number into a minus sign.
func minus(s string) string {
	if s != "" && s[0] == '-' {
		return "−" + s[1:]
	}
	return s
}

// bytesOf prints a count of bytes; 0 is absent.
func bytesOf(n int64) string { return bytesIn(n, byteUnits) }

// bytesIn prints a count, which is exact, with three digits or as a whole number.
func bytesIn(n int64, units []unit) string {
	if n == 0 {
		return absent
	}
	u := unitOf(float64(n), units)
	v := float64(n) / u.size
	if u.size == 1 {
		return strconv.FormatInt(n, 10) + u.name
	}
	return rounded(v, min(1, powerOf10(v)/100), math.Round) + u.name
}

// percent prints a share with two digits.
func percent(share float64) string {
	switch {
	case math.IsNaN(share):
		return absent
	case math.IsInf(share, 0):
		return "∞"
	case share == 0:
		return "0 %"
	}
	s := rounded(100*share, powerOf10(100*math.Abs(share))/10, math.Round)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s + " %"
}
