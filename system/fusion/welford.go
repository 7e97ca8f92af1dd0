package fusion

import "math"

// Welford is the mean and variance of numbers that come one by one (Welford 1962,
// Technometrics 4, 419). The zero value has none.
type Welford struct {
	n        int
	mean, m2 float64
}

// Add adds a number.
func (w *Welford) Add(x float64) {
	w.n++
	d := x - w.mean
	w.mean += d / float64(w.n)
	w.m2 += d * (x - w.mean)
}

// Mean returns the mean, NaN of no numbers.
func (w *Welford) Mean() float64 {
	if w.n == 0 {
		return math.NaN()
	}
	return w.mean
}

// Variance returns the variance with n−1, NaN of fewer than two numbers.
func (w *Welford) Variance() float64 {
	if w.n < 2 {
		return math.NaN()
	}
	return w.m2 / float64(w.n-1)
}
