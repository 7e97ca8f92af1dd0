package report

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"lensbench/record"
)

func TestInterval(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, test := range []struct {
		value, low, high float64
		n                int
		units            []unit
		main, detail     string
	}{
		{1.1734, 1.1521, 1.1902, 8, timeUnits, "1.173 s", "[1.152, 1.191]"},
		{1.1734, 1.05, 1.30, 8, timeUnits, "1.17 s", "[1.05, 1.30]"},
		{0.01334, 0.01331, 0.0134, 8, timeUnits, "13.34 ms", "[13.31, 13.40]"},
		{2.5e-5, 2e-5, 3e-5, 8, timeUnits, "25 µs", "[20, 30]"},
		{3e-9, 2e-9, 4.2e-9, 8, timeUnits, "3.0 ns", "[2.0, 4.2]"},
		{3521.3, 3480, 3560, 8, rateUnits, "3520 ", "[3480, 3560]"},
		{123456, 120000, 130000, 8, rateUnits, "123k", "[120, 130]"},
		{80e-9, 71.6e-9, 6e-5, 8, timeUnits, "80 ns", "[71, 60000]"},
		{2, 2, 2, 8, rateUnits, "2.00000", "[2.00000, 2.00000]"},
		{2, 2, 2, 1, rateUnits, "2.00", "one value"},
		{2, -inf, inf, 3, rateUnits, "2.00", "no interval"},
		{2, 0, inf, 3, rateUnits, "2.00", "no interval"},
		{2, nan, nan, 3, rateUnits, "2.00", "no interval"},
		{2, 1.5, inf, 3, rateUnits, "2.0", "[1.5, ∞]"},
		{nan, nan, nan, 3, rateUnits, "–", ""},
		{0, 0, 0, 0, rateUnits, "–", ""},
		{0, 0, 0, 5, rateUnits, "0", "[0, 0]"},
	} {
		f := interval(record.Interval{Value: test.value, Low: test.low, High: test.high, N: test.n}, test.units)
		if f.main != strings.TrimSpace(test.main) || f.detail != test.detail {
			t.Errorf("%v [%v, %v] of %d: %q %q; want %q %q", test.value, test.low, test.high, test.n, f.main, f.detail, test.main, test.detail)
		}
	}
}

// TestPrintedIntervalHoldsComputed: rounding never makes an interval look
// narrower than it is, and keeps at least two digits of its width.
func TestPrintedIntervalHoldsComputed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		value := math.Exp(10 * r.NormFloat64())
		low := value * (1 - math.Exp(-1-8*r.Float64()))
		high := value * (1 + math.Exp(-1-8*r.Float64()))
		f := interval(record.Interval{Value: value, Low: low, High: high, N: 8}, plainUnits)
		lo, hi, _ := strings.Cut(strings.Trim(f.detail, "[]"), ", ")
		gotLow, err1 := strconv.ParseFloat(lo, 64)
		gotHigh, err2 := strconv.ParseFloat(hi, 64)
		got, err3 := strconv.ParseFloat(f.main, 64)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatalf("%v [%v, %v] prints as %q %q", value, low, high, f.main, f.detail)
		}
		slack := 1e-6 * (high - low)
		if gotLow > low+slack || gotHigh < high-slack || got < gotLow || got > gotHigh {
			t.Errorf("%v [%v, %v] prints as %q %q", value, low, high, f.main, f.detail)
		}
		if gotHigh-gotLow > 2*(high-low) {
			t.Errorf("%v [%v, %v] prints as %q %q: far too wide", value, low, high, f.main, f.detail)
		}
	}
}

func TestRatio(t *testing.T) {
	inf := math.Inf(1)
	for _, test := range []struct {
		c            record.Comparison
		main, detail string
	}{
		{record.Comparison{Ratio: 1.352, Low: 1.301, High: 1.4003}, "1.35", "[1.30, 1.41]"},
		{record.Comparison{Ratio: 1.0002, Low: 0.9981, High: 1.0023}, "1.0002", "[0.9981, 1.0023]"},
		{record.Comparison{Ratio: 1.5, Low: 1.5, High: 1.5, Exact: true}, "1.50", "exact"},
		{record.Comparison{Ratio: 1.5, Low: 0, High: inf}, "1.50", "no interval"},
		{record.Comparison{}, "–", ""},
		{record.Comparison{Ratio: math.NaN(), Low: math.NaN(), High: math.NaN()}, "–", ""},
	} {
		if f := ratio(test.c); f != (figure{test.main, test.detail}) {
			t.Errorf("%+v prints as %v; want %q %q", test.c, f, test.main, test.detail)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "–", 1: "1 B", 1023: "1023 B", 1024: "1.00 KiB", 1 << 20: "1.00 MiB", 512 << 20: "512 MiB",
		1234 << 20: "1.21 GiB", 3 << 40: "3072 GiB",
	} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d bytes print as %q; want %q", n, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		share float64
		want  string
	}{
		{0, "0 %"}, {0.01, "1 %"}, {0.0123, "1.2 %"}, {0.0009, "0.09 %"}, {1.234, "120 %"}, {0.5, "50 %"},
		{-0.02, "−2 %"}, {math.Inf(1), "∞"}, {math.NaN(), "–"},
	} {
		if got := percent(test.share); got != test.want {
			t.Errorf("%v prints as %q; want %q", test.share, got, test.want)
		}
	}
}
