package sky

import "math"

// fwhmPerSigma is 2·√(2·ln 2).
const fwhmPerSigma = 2.3548200450309493

// A kernel is the response of one pixel, along one axis, to light at the
// samples around it: a function integrated over the pixel. Lengths are in
// pixels. Both sets of weights of a Gaussian sum to 1.
type kernel struct {
	// fine weighs the samples of the fine comb, fold to a pixel, of pixels
	// −reach … reach around the pixel.
	fine []float64
	// scatter is fine from the other side: row t holds the weights that sample
	// t of a pixel has in the pixels −reach … reach around it.
	scatter [][]float64
	// coarse weighs the samples at the centres of pixels −reach−1 … reach+1, as
	// their quadratic interpolant on the fine comb is weighed by fine.
	coarse []float64
}

// newKernel makes the kernel of a Gaussian of this sigma, cut at reach pixels.
func newKernel(sigma float64, fold, reach int) *kernel {
	fine := make([]float64, fold*(2*reach+1))
	sum := 0.0
	for i := range fine {
		fine[i] = pixelGaussian(distance(i, fold, reach), sigma)
		sum += fine[i]
	}
	for i := range fine {
		fine[i] /= sum
	}
	return kernelOf(fine, fold, reach)
}

// newProfileKernel makes the kernel of a function, cut at reach pixels of this
// scale. A fine sample stands for 1/fold of a pixel.
func newProfileKernel(p profile1D, scale float64, fold, reach int) *kernel {
	fine := make([]float64, fold*(2*reach+1))
	for i := range fine {
		fine[i] = p.pixel(distance(i, fold, reach), scale) / float64(fold)
	}
	return kernelOf(fine, fold, reach)
}

// distance returns that of fine sample i from the centre of the pixel.
func distance(i, fold, reach int) float64 {
	return (float64(i)+0.5)/float64(fold) - float64(reach) - 0.5
}

// kernelOf makes a kernel from the weights of its fine samples.
func kernelOf(fine []float64, fold, reach int) *kernel {
	k := &kernel{
		fine:    fine,
		scatter: make([][]float64, fold),
		coarse:  make([]float64, 2*reach+3),
	}
	for i, w := range k.fine {
		pixel, t := i/fold, i%fold
		for a, l := range lagrange((float64(t)+0.5)/float64(fold) - 0.5) {
			k.coarse[pixel+a] += w * l
		}
	}
	for t := range k.scatter {
		k.scatter[t] = make([]float64, 2*reach+1)
		for j := range k.scatter[t] {
			k.scatter[t][j] = k.fine[(2*reach-j)*fold+t]
		}
	}
	return k
}

// pixelGaussian returns the part of a Gaussian at distance t that falls into the
// pixel [−½, ½].
func pixelGaussian(t, sigma float64) float64 {
	s := 1 / (sigma * math.Sqrt2)
	if t < 0 {
		t = -t
	}
	return (math.Erfc((t-0.5)*s) - math.Erfc((t+0.5)*s)) / 2
}

// lagrange returns the weights of the values at −1, 0 and 1 in their quadratic
// interpolant at t.
func lagrange(t float64) [3]float64 {
	return [3]float64{t * (t - 1) / 2, 1 - t*t, t * (t + 1) / 2}
}
