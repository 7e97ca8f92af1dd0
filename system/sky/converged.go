package sky

import "math"

// firstConverged is where Converged begins, and convergedSteps how many times it
// may improve on that.
var firstConverged = Quality{Tolerance: 1e-4, Sigmas: 5.5, Comb: 6}

const convergedSteps = 4

// Converged renders a scene at better and better quality until two images in a
// row differ by no more than target of their peaks, and returns the last with
// that difference. Each is about three times better than the one before, so the
// last one's own error is a fraction of the difference. If even the best still
// changes by more than target, the difference returned says so.
func Converged(grid Grid, s *Scene, bands []Band, target float64) (images [][]float64, change float64) {
	q := firstConverged
	images = NewRenderer(grid, q).Render(s, bands)
	for range convergedSteps {
		q = q.next()
		better := NewRenderer(grid, q).Render(s, bands)
		change = 0
		for b := range better {
			change = max(change, difference(better[b], images[b]))
		}
		images = better
		if change <= target {
			break
		}
	}
	return images, change
}

// difference returns the largest deviation of two images, relative to the peak
// of the first.
func difference(a, b []float64) float64 {
	worst, peak := 0.0, 0.0
	for i := range a {
		worst, peak = max(worst, math.Abs(a[i]-b[i])), max(peak, a[i])
	}
	if worst == 0 {
		return 0
	}
	return worst / peak
}
