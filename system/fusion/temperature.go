package fusion

import (
	"fmt"
	"math"
)

// Limits of a temperature. Logits that separate the classes without a mistake
// have no best one, smaller is always better; they get MinTemperature.
const (
	MinTemperature = 0.05
	MaxTemperature = 20
)

// Temperature returns the temperature that makes logits probabilities that fit the
// labels, 0 or 1, of which both occur. It is within its limits.
func Temperature(logits []float64, labels []int) (float64, error) {
	if len(logits) != len(labels) {
		return 0, fmt.Errorf("%d logits and %d labels", len(logits), len(labels))
	}
	var found [2]int
	for i, l := range labels {
		if l != 0 && l != 1 {
			return 0, fmt.Errorf("label %d of image %d is neither 0 nor 1", l, i)
		}
		if math.IsNaN(logits[i]) || math.IsInf(logits[i], 0) {
			return 0, fmt.Errorf("logit %v of image %d", logits[i], i)
		}
		found[l]++
	}
	if found[0] == 0 || found[1] == 0 {
		return 0, fmt.Errorf("%d lenses and %d others to calibrate with; it takes both", found[1], found[0])
	}
	return 1 / solve(logits, labels), nil
}

// solve finds the zero of the slope of the likelihood in b = 1/T by Newton's
// method, kept within a bracket that shrinks: the slope only rises.
func solve(logits []float64, labels []int) float64 {
	low, high := 1./MaxTemperature, 1./MinTemperature
	if s, _ := slope(logits, labels, low); s >= 0 {
		return low
	}
	if s, _ := slope(logits, labels, high); s <= 0 {
		return high
	}
	b := 1.0
	for range 200 {
		s, curvature := slope(logits, labels, b)
		if s > 0 {
			high = b
		} else {
			low = b
		}
		next := b - s/curvature
		if !(next > low && next < high) {
			next = math.Sqrt(low * high)
		}
		if math.Abs(next-b) <= 1e-14*b {
			return next
		}
		b = next
	}
	return b
}

// slope returns the first and second derivative in b of the mean of
// log(1 + exp(bz)) − ybz.
func slope(logits []float64, labels []int, b float64) (first, second float64) {
	for i, z := range logits {
		p := 1 / (1 + math.Exp(-b*z))
		first += (p - float64(labels[i])) * z
		second += p * (1 - p) * z * z
	}
	n := float64(len(logits))
	return first / n, second / n
}
