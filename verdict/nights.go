package verdict

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// MinNights is the number of nights below which stored numbers are no baseline.
const MinNights = 5

// A NightValue is a metric on one night: the medians of its restarts, > 0.
type NightValue []float64

// A Pool is what several nights say about one metric.
type Pool struct {
	Value     float64 // geometric mean of the nights
	Low, High float64 // where one more night is expected, 99 %
	Between   float64 // standard deviation of a night's own effect, as a fraction; 0 if the scatter within nights explains all
	Within    float64 // standard error of a night's value from its restarts, as a fraction
	Nights    int
}

// PoolNights takes nights as a random effect: a night's value, in logarithms, is
// the metric's own, plus what that night did to all of its samples, plus the
// error of few samples. The next night has an effect and an error of its own, so
// it is expected within
//
//	mean ± t(n−1, 0.995) · s · √(1 + 1/n)
//
// s being the standard deviation of the n nights' values, which holds both.
// Taking all restarts for independent would forget the nights and promise an
// interval many times too narrow. Between comes from the moments: s² less what
// the restarts' scatter gives to it.
func PoolNights(nights []NightValue) (Pool, error) {
	if len(nights) < MinNights {
		return Pool{Nights: len(nights)}, fmt.Errorf("%d nights; a baseline needs %d", len(nights), MinNights)
	}
	var values []float64
	var variance float64
	for i, night := range nights {
		value, square, err := night.log()
		if err != nil {
			return Pool{}, fmt.Errorf("night %d: %w", i+1, err)
		}
		values = append(values, value)
		variance += square / float64(len(nights))
	}
	n := float64(len(values))
	center, s := stat.MeanStdDev(values, nil)
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.995) * s * math.Sqrt(1+1/n)
	return Pool{
		Value: math.Exp(center), Low: math.Exp(center - half), High: math.Exp(center + half),
		Between: math.Sqrt(max(0, s*s-variance)), Within: math.Sqrt(variance), Nights: len(nights),
	}, nil
}

// log is the mean logarithm of the restarts and the square of its standard
// error; 0 for a single restart, which tells none.
func (v NightValue) log() (value, square float64, err error) {
	if len(v) == 0 {
		return 0, 0, fmt.Errorf("no restart")
	}
	logs := make([]float64, len(v))
	for i, x := range v {
		if bad(x) {
			return 0, 0, fmt.Errorf("restart %d: %v: want a positive finite number", i+1, x)
		}
		logs[i] = math.Log(x)
	}
	if len(v) == 1 {
		return logs[0], 0, nil
	}
	mean, s := stat.MeanStdDev(logs, nil)
	return mean, s * s / float64(len(v)), nil
}

// Place is where another night lies: Lower, Higher, or Inconclusive within what
// is expected. It is no proof of a change: whatever else was different that
// night is part of it.
func (p Pool) Place(night NightValue) (Outcome, float64, error) {
	value, _, err := night.log()
	if err != nil {
		return "", 0, err
	}
	v := math.Exp(value)
	switch {
	case v < p.Low:
		return Lower, v, nil
	case v > p.High:
		return Higher, v, nil
	}
	return Inconclusive, v, nil
}
