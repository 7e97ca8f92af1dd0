// Package sky simulates images of galaxies and of strong gravitational lenses.
//
// A Scene is a deflector (a singular isothermal ellipsoid and external shear),
// the light of the galaxies in front, and sources seen through the deflector.
// A Renderer turns it into noise-free, pixel-integrated images as a telescope
// with a point-spread function would see them. Draw takes scenes from a
// population, and a Simulator makes their images with the noise of a survey.
//
// # Conventions
//
// Those of lenstronomy. Angles on the sky are in arcsec, x to the right and y
// up, position angles in radians counter-clockwise from +x. Pixel (row j,
// column i) of an n×n image of scale d is centred at x = (i−(n−1)/2)·d,
// y = (j−(n−1)/2)·d; images are row-major with row 0 at the lowest y. Radii and
// Einstein radii of ellipses are product averages: R² = q·X² + Y²/q with X
// along the major axis. Everything is float64 until an image is stored.
//
// # How an image is made
//
// The value of a pixel is ∫ K(p−θ)·S(θ) dθ with S the surface brightness and K
// the Gaussian convolved with the pixel's square, which is a product of two
// differences of error functions. S is smooth almost everywhere on the scale of
// a pixel, and wild in few places: the cores of galaxies, where a Sérsic profile
// has a cusp, their images behind the lens, and the lens's own centre.
//
//  1. S is sampled once a pixel, and the samples stand for their quadratic
//     interpolant.
//  2. Where the interpolant is not good enough, a pixel is sampled on a finer
//     comb, several samples to a sigma of the point-spread function, and the
//     difference to the interpolant, the surplus, is recorded.
//  3. Where S is not smooth even there, the square of a sample is integrated by
//     recursion, and what that adds goes to the samples around.
//  4. The image is the sum of the coarse samples, convolved with the kernel of
//     the interpolant, and of the surpluses, convolved with K.
//
// Each step goes as far as its own error asks (see Quality): the surplus just
// found says whether the neighbours need one too. The interpolant is convolved
// exactly, and surpluses fade to nothing at the edge of a refined region, so
// that no error comes from where two resolutions meet; that is what makes it
// converge, and what simply mixing two grids of samples does not achieve.
//
// Rejected: convolving after binning (stalls at 2 % of the peak for PSFs of
// space telescopes), a uniform fine grid (ten times the work for the same
// error), and FFT (the kernel is separable and short).
//
// # What is drawn
//
// Draw makes both classes from the same galaxies, in the same conditions: what is
// no lens begins as one that could be recognised, whose source is then replaced by
// as much light of the same colour in another shape (companions, a spiral's disc, a
// ring, a merger, an edge-on disc) or by nothing. Seeing and sky vary from image to
// image alike for both. Random numbers of an image come from streams of their own,
// keyed by (seed, index, use).
//
// # Other point-spread functions
//
// A Moffat function is a mixture of Gaussians, and a sampled one a sum of products
// of rows and columns; so each is a few passes of the last step, over the same
// samples.
//
// Not here: other mass profiles, several source planes.
package sky
