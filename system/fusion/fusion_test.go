package fusion

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
)

func TestWelford(t *testing.T) {
	var w Welford
	if !math.IsNaN(w.Mean()) || !math.IsNaN(w.Variance()) {
		t.Errorf("of nothing: %g, %g", w.Mean(), w.Variance())
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var x []float64
	for range 1000 {
		v := 1e9 + rng.NormFloat64() // Σx² − (Σx)²/n would have no digits left
		x = append(x, v)
		w.Add(v)
	}
	mean, variance := stat.MeanVariance(x, nil)
	if math.Abs(w.Mean()-mean) > 1e-6 || math.Abs(w.Variance()/variance-1) > 1e-6 {
		t.Errorf("mean %g, variance %g, want %g, %g", w.Mean(), w.Variance(), mean, variance)
	}
}

// Labels drawn with probability σ(z/T) give back T, whatever it is.
func TestTemperatureOfPlanted(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, want := range []float64{0.2, 0.8, 1, 2.5, 9} {
		const n = 40000
		logits, labels := make([]float64, n), make([]int, n)
		for i := range n {
			z := 1.5 * rng.NormFloat64()
			logits[i] = want * z
			if rng.Float64() < 1/(1+math.Exp(-z)) {
				labels[i] = 1
			}
		}
		got, err := Temperature(logits, labels)
		if err != nil || math.Abs(got/want-1) > 0.03 {
			t.Errorf("T %g, %v, planted %g", got, err, want)
		}
		if s, _ := slope(logits, labels, 1/got); math.Abs(s) > 1e-10 {
			t.Errorf("T %g: the likelihood still has the slope %g", got, s)
		}
	}
}

func TestTemperatureLimits(t *testing.T) {
	for _, tc := range []struct {
		logits []float64
		labels []int
		want   float64
	}{
		{[]float64{-3, -1, 2, 5}, []int{0, 0, 1, 1}, MinTemperature}, // no mistake: the surer the better
		{[]float64{-3, -1, 2, 5}, []int{1, 1, 0, 0}, MaxTemperature}, // nothing but mistakes
		{[]float64{0, 0}, []int{0, 1}, MaxTemperature},               // says nothing
	} {
		got, err := Temperature(tc.logits, tc.labels)
		if err != nil || math.Abs(got/tc.want-1) > 1e-12 {
			t.Errorf("%v of %v: %g, %v, want %g", tc.logits, tc.labels, got, err, tc.want)
		}
	}
	for want, in := range map[string]struct {
		logits []float64
		labels []int
	}{
		"2 lenses and 0 others to calibrate with": {[]float64{1, 2}, []int{1, 1}},
		"0 lenses and 0 others":                   {nil, nil},
		"logit NaN of image 1":                    {[]float64{1, math.NaN()}, []int{1, 0}},
		"label -1 of image 0 is neither":          {[]float64{1, 2}, []int{-1, 0}},
		"2 logits and 1 labels":                   {[]float64{1, 2}, []int{1}},
	} {
		if _, err := Temperature(in.logits, in.labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Identities: equal variances give the mean and its variance; the order of members
// does not matter; a member twice is one with half the variance; the result lies
// between the members; below the floor a variance does not count.
func TestFuseIdentities(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		k := 2 + rng.IntN(4)
		members := make([]Member, k)
		least, most := math.Inf(1), math.Inf(-1)
		for j := range members {
			z := 5 * rng.NormFloat64()
			least, most = min(least, z), max(most, z)
			members[j] = Member{Name: "m", Logit: []float64{z, z}, Variance: []float64{0.7, math.Exp(3 * rng.NormFloat64())}}
		}
		z, v, err := Fuse(InverseVariance, members)
		if err != nil {
			t.Fatal(err)
		}
		mean, _, err := Fuse(Mean, members)
		if err != nil || math.Abs(z[0]-mean[0]) > 1e-12 || math.Abs(v[0]-0.7/float64(k)) > 1e-12 {
			t.Errorf("equal variances: %g ± %g, mean %g, %v", z[0], v[0], mean[0], err)
		}
		if z[1] < least-1e-12 || z[1] > most+1e-12 {
			t.Errorf("%g is not between %g and %g", z[1], least, most)
		}
		turned := append(append([]Member{}, members[1:]...), members[0])
		if y, u, _ := Fuse(InverseVariance, turned); math.Abs(y[1]-z[1]) > 1e-12 || math.Abs(u[1]/v[1]-1) > 1e-12 {
			t.Errorf("in another order %g ± %g, %g ± %g", y[1], u[1], z[1], v[1])
		}
		half := members[0]
		half.Variance = []float64{0.35, 0.5}
		whole := half
		whole.Variance = []float64{0.7, 1}
		a, _, _ := Fuse(InverseVariance, append([]Member{half}, members[1:]...))
		b, _, _ := Fuse(InverseVariance, append([]Member{whole, whole}, members[1:]...))
		if math.Abs(a[1]-b[1]) > 1e-12 {
			t.Errorf("twice the same %g, half the variance %g", b[1], a[1])
		}
	}
	z, v, err := Fuse(InverseVariance, []Member{{"a", []float64{1}, []float64{0}}, {"b", []float64{3}, []float64{Floor}}})
	if err != nil || z[0] != 2 || math.Abs(v[0]-Floor/2) > 1e-15 {
		t.Errorf("below the floor: %v ± %v, %v", z, v, err)
	}
}

func TestFuseErrors(t *testing.T) {
	good := Member{"a", []float64{1, 2}, []float64{1, 1}}
	for want, in := range map[string]struct {
		kind    string
		members []Member
	}{
		`fusion "median" is not known; there is [inverse-variance mean]`: {"median", []Member{good}},
		"no members":                  {Mean, nil},
		"b has 1 logits, a 2":         {Mean, []Member{good, {"b", []float64{1}, nil}}},
		"b has no variances":          {InverseVariance, []Member{good, {"b", []float64{1, 2}, nil}}},
		"b has 1 variances for 2":     {Mean, []Member{good, {"b", []float64{1, 2}, []float64{1}}}},
		"b: logit NaN of image 1":     {Mean, []Member{good, {"b", []float64{1, math.NaN()}, nil}}},
		"b: variance -1 of image 0":   {Mean, []Member{good, {"b", []float64{1, 1}, []float64{-1, 1}}}},
		"b: variance +Inf of image 0": {InverseVariance, []Member{good, {"b", []float64{1, 1}, []float64{math.Inf(1), 1}}}},
	} {
		if _, _, err := Fuse(in.kind, in.members); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
