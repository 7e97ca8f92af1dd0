package fusion

import (
	"fmt"
	"math"
)

// Floor is the smallest variance of a logit that a member may claim.
const Floor = 1e-3

// A Member is what one network says of all images.
type Member struct {
	Name     string    // in errors
	Logit    []float64 // calibrated
	Variance []float64 // of the logits; nil: not known
}

// Kinds of fusion.
const (
	InverseVariance = "inverse-variance"
	Mean            = "mean"
)

// Kinds are the names of all kinds of fusion.
var Kinds = []string{InverseVariance, Mean}

// Fuse combines members image by image. InverseVariance takes the variances of
// all members; Mean takes none into account.
func Fuse(kind string, members []Member) (logit, variance []float64, err error) {
	if err := check(kind, members); err != nil {
		return nil, nil, err
	}
	n := len(members[0].Logit)
	logit, variance = make([]float64, n), make([]float64, n)
	for i := range n {
		if kind == InverseVariance {
			logit[i], variance[i] = weighted(members, i)
		} else {
			logit[i], variance[i] = mean(members, i)
		}
	}
	return logit, variance, nil
}

func weighted(members []Member, i int) (logit, variance float64) {
	sum := 0.0
	for _, m := range members {
		w := 1 / max(m.Variance[i], Floor)
		sum += w
		logit += w * m.Logit[i]
	}
	return logit / sum, 1 / sum
}

// mean returns the plain mean and its variance: that of the members' spread.
// One member alone has only its own.
func mean(members []Member, i int) (logit, variance float64) {
	if m := members[0]; len(members) == 1 {
		if m.Variance == nil {
			return m.Logit[i], math.NaN()
		}
		return m.Logit[i], m.Variance[i]
	}
	var w Welford
	for _, m := range members {
		w.Add(m.Logit[i])
	}
	return w.Mean(), w.Variance() / float64(len(members))
}

func check(kind string, members []Member) error {
	if kind != InverseVariance && kind != Mean {
		return fmt.Errorf("fusion %q is not known; there is %v", kind, Kinds)
	}
	if len(members) == 0 {
		return fmt.Errorf("no members to fuse")
	}
	n := len(members[0].Logit)
	for _, m := range members {
		if len(m.Logit) != n {
			return fmt.Errorf("%s has %d logits, %s %d", m.Name, len(m.Logit), members[0].Name, n)
		}
		if m.Variance == nil && kind == InverseVariance {
			return fmt.Errorf("%s has no variances, which %s takes; Monte-Carlo dropout gives them", m.Name, kind)
		}
		if m.Variance != nil && len(m.Variance) != n {
			return fmt.Errorf("%s has %d variances for %d logits", m.Name, len(m.Variance), n)
		}
		for i, z := range m.Logit {
			if math.IsNaN(z) || math.IsInf(z, 0) {
				return fmt.Errorf("%s: logit %v of image %d", m.Name, z, i)
			}
			if m.Variance != nil && !(m.Variance[i] >= 0 && m.Variance[i] <= math.MaxFloat64) {
				return fmt.Errorf("%s: variance %v of image %d", m.Name, m.Variance[i], i)
			}
		}
	}
	return nil
}
