package sky

import "math"

// A Quality says how far each approximation of a Renderer is taken. Errors are
// relative to the peak of the image.
type Quality struct {
	// Tolerance is what may be left of a pixel's brightness: neighbours of a
	// pixel are refined if its mean absolute surplus exceeds it, neighbours of a
	// fine sample if twice that is added by integrating it, and the recursion
	// goes on where a square bends by more.
	Tolerance float64
	// Sigmas is where the point-spread function is cut, in its sigmas.
	Sigmas float64
	// Comb is the number of fine samples in a sigma of the point-spread
	// function, and so how well the kernel can be interpolated.
	Comb float64
}

// Simulation is for data sets. Over hundreds of random scenes, with arcs and
// rings of compact and of cuspy sources and seeing of 1.5 to 5 pixels, its error is
// typically 2e-4 of the peak and was never above 1e-3; 2e-3 is what is promised.
var Simulation = Quality{Tolerance: 3e-3, Sigmas: 4, Comb: 4}

// The fold of a pixel, see Quality.fold.
const minFold, maxFold = 3, 64

// next returns a quality that is about three times better.
func (q Quality) next() Quality {
	return Quality{q.Tolerance / 3, q.Sigmas + 0.5, q.Comb * 1.3}
}

// fold returns the number of fine samples on a side of a pixel for bands whose
// smallest sigma is this, pixels.
func (q Quality) fold(sigma float64) int {
	return min(max(minFold, int(math.Ceil(q.Comb/sigma))), maxFold)
}

// reach returns the radius of the kernels, in pixels, for bands whose largest
// sigma is this.
func (q Quality) reach(sigma float64) int { return int(math.Ceil(q.Sigmas * sigma)) }
