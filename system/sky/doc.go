// Package sky simulates images of galaxies and of strong gravitational lenses.
//
// A Scene is a deflector (a singular isothermal ellipsoid and external shear),
// the light of the galaxies in front, and sources seen through the deflector.
// A Renderer turns it into noise-free, pixel-integrated images as a telescope
// with a Gaussian point-spread function would see them; Survey draws scenes
// from a population and adds the noise of a real survey.
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
// a pixel, and wild in few places: the cores of galaxies, where a Sérsic
// profile has a cusp, and the arcs near the critical curve. So S is sampled
// once a pixel, and the samples stand for their quadratic interpolant. Where
// the interpolant is not good enough a pixel is sampled on a finer comb, and
// only the difference to the interpolant, the surplus, is recorded there; near
// the few points where S is not smooth, cells of the comb are integrated by
// recursion. An image is the convolution of the coarse samples with K applied
// to the interpolation plus that of the surpluses with K. Each stage is taken
// as far as its own error estimate asks (see Quality): the surplus that has
// just been found says whether the neighbours need it too. Since the interpolant
// is convolved exactly, and a surplus fades to nothing at the edge of a refined
// region, no error comes from where two resolutions meet.
//
// Rejected: convolving after binning (stalls at 2 % of the peak for PSFs of
// space telescopes), a uniform fine grid (ten times the work for the same
// error), and FFT (the kernel is separable and short).
//
// Not here: other mass profiles, other PSFs, several source planes.
package sky
