// Package augment varies training images, so that a network hardly sees one
// twice, in ways that leave what they are: flips and quarter turns, small
// shifts, zooms and rotations, and more noise.
//
// What is done to an image is a function of (seed, epoch, index) alone: neither
// the order of images nor the number of goroutines matters, and a run that was
// broken off goes on with the same images. All bands of an image are treated
// alike, so colours stay, but that each gets noise of its own.
//
// Images are fluxes: augmentation comes before any stretch (package stretch).
//
// Flips, quarter turns and shifts move values and change none. Zoom and
// rotation interpolate, once for both, with the cubic convolution of Keys (1981,
// IEEE Trans. ASSP 29, 1153; a = -1/2). Linear interpolation was rejected: it
// is a blur that, averaged over positions, leaves 4/9 of the variance of
// uncorrelated noise and so shows networks, and the stretch, a depth that images
// to be scored do not have; cubic leaves 7/10.
//
// Behind the edges an image is continued by its mirror image, whose noise is
// like its own. Zeros, the mean, or the last row repeated would be seen.
package augment
