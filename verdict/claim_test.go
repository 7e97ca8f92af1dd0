package verdict

import (
	"math"
	"slices"
	"testing"
)

func TestFindings(t *testing.T) {
	const faster, smaller = true, false
	for _, tc := range []struct {
		name      string
		low, high float64
		atLeast   bool
		claimed   float64
		want      Finding
	}{
		{"wholly above", 1.41, 1.60, faster, 1.4, Supported},
		{"from the end upwards", 1.40, 1.60, faster, 1.4, Supported},
		{"around the end", 1.39, 1.60, faster, 1.4, Undecided},
		{"up to the end", 1.20, 1.40, faster, 1.4, Undecided},
		{"wholly below", 0.99, 1.05, faster, 1.4, Refuted},
		{"unbounded", 0, math.Inf(1), faster, 1.4, Undecided},
		{"less memory", 0.60, 0.65, smaller, 0.7, Supported},
		{"exactly as much as claimed", 0.70, 0.70, smaller, 0.7, Supported},
		{"too much memory", 0.71, 0.71, smaller, 0.7, Refuted},
		{"around the end of less", 0.65, 0.75, smaller, 0.7, Undecided},
	} {
		got, err := Expectation{tc.low, tc.high, tc.atLeast, tc.claimed}.Finding()
		if err != nil || got != tc.want {
			t.Errorf("%s: %s, %v, want %s", tc.name, got, err, tc.want)
		}
	}
}

func TestUnusableExpectations(t *testing.T) {
	nan := math.NaN()
	for _, e := range []Expectation{
		{1, 2, true, 0}, {1, 2, true, -1}, {1, 2, true, nan}, {1, 2, true, math.Inf(1)},
		{nan, 2, true, 1}, {1, nan, true, 1}, {2, 1, true, 1}, {-1, 1, true, 1},
	} {
		if f, err := e.Finding(); err == nil || f != Undecided {
			t.Errorf("%+v: %s, %v, want an error", e, f, err)
		}
	}
}

func TestConclude(t *testing.T) {
	const s, r, u = Supported, Refuted, Undecided
	for _, tc := range []struct {
		findings []Finding
		want     Finding
	}{
		{nil, u}, {[]Finding{s}, s}, {[]Finding{r}, r}, {[]Finding{u}, u},
		{[]Finding{s, s}, s}, {[]Finding{s, u}, u}, {[]Finding{u, s}, u},
		{[]Finding{s, r}, r}, {[]Finding{u, r}, r}, {[]Finding{s, u, s}, u},
	} {
		if got := Conclude(tc.findings); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.findings, got, tc.want)
		}
		reversed := slices.Clone(tc.findings)
		slices.Reverse(reversed)
		if got := Conclude(reversed); got != tc.want {
			t.Errorf("%v: %s, want %s in any order", reversed, got, tc.want)
		}
	}
}

func TestCompareExact(t *testing.T) {
	const mib = 1 << 20
	for _, tc := range []struct {
		name             string
		control, variant []int64
		want             Outcome // empty: not exact
		ratio            float64
	}{
		{"a quarter less", []int64{400 * mib, 400 * mib}, []int64{300 * mib, 300 * mib}, Lower, 0.75},
		{"twice as much", []int64{4 * mib, 4 * mib, 4 * mib}, []int64{8 * mib, 8 * mib}, Higher, 2},
		{"equal", []int64{mib, mib}, []int64{mib, mib}, Equivalent, 1},
		{"one MiB more of little", []int64{4 * mib, 4 * mib}, []int64{5 * mib, 5 * mib}, Equivalent, 1.25},
		{"a byte beyond one MiB", []int64{4 * mib, 4 * mib}, []int64{5*mib + 1, 5*mib + 1}, Higher, 5.0/4 + 1.0/(4*mib)},
		{"0.1 % of much", []int64{8000 * mib, 8000 * mib}, []int64{8008 * mib, 8008 * mib}, Equivalent, 1.001},
		{"does not repeat", []int64{400, 401}, []int64{300, 300}, "", 0},
		{"variant does not repeat", []int64{400, 400}, []int64{300, 301}, "", 0},
		{"seen once", []int64{400}, []int64{300}, "", 0},
		{"not counted", []int64{0, 0}, []int64{300, 300}, "", 0},
		{"nothing", nil, nil, "", 0},
	} {
		s, ok := CompareExact(tc.control, tc.variant)
		if ok != (tc.want != "") || s.Outcome != tc.want || s.Ratio != tc.ratio {
			t.Errorf("%s: %+v, %v, want %q %v", tc.name, s, ok, tc.want, tc.ratio)
		}
	}
}
