package stretch

import "math"

// asinh returns the inverse hyperbolic sine of x, rounded to float32; the error
// before rounding is below 1e-10 of the result. math.Asinh, for all the digits
// of float64, takes three times as long, which was most of what a loader did.
func asinh(x float64) float32 {
	y := math.Abs(x)
	if y < 1./64 { // below, the logarithm of 1 + … has lost digits
		return float32(x * (1 - x*x*(1./6-x*x*(3./40))))
	}
	return float32(math.Copysign(log(y+math.Sqrt(y*y+1)), x))
}

// log returns the logarithm of z ≥ 1 with an absolute error of 2e-13: that of the
// middle of one of 128 parts of an octave from a table, and the rest from four
// terms of its series.
func log(z float64) float64 {
	b := math.Float64bits(z)
	m := math.Float64frombits(b&(1<<52-1) | 1023<<52) // of the fraction: 1 ≤ m < 2
	t := &logs[b>>45&127]
	r := m*t.inverse - 1
	return float64(int(b>>52)-1023)*math.Ln2 + t.log + r*(1-r*(1./2-r*(1./3-r/4)))
}

// logs has the inverse and the logarithm of the middle of each part of an octave.
var logs = func() (t [128]struct{ inverse, log float64 }) {
	for i := range t {
		middle := 1 + (float64(i)+0.5)/float64(len(t))
		t[i].inverse, t[i].log = 1/middle, math.Log(middle)
	}
	return t
}()
