// Package trivial is a classifier that knows nothing of shapes: a logistic
// regression on features that anybody would think of first. What it can tell
// apart is not worth a network, and a data set that it can tell apart proves
// nothing about one; so its AUROC stands beside that of every network.
//
// # Features
//
// Of each band, in units of the image's noise and after asinh: the sum and the
// maximum of all pixels, and the means over seven rings around the centre (the
// radial profile). Also of each band: the mean distance of the light from the
// centre, the ellipticity from its second moments, and the share of it that
// differs from the image turned by 180°. Of two or more bands, and of each ring:
// the colour from the first to the last band. In three bands these are 43.
//
// # Fit
//
// Features are standardised by the training images. The weights minimise the
// penalised negative log likelihood
//
//	Σ log(1 + exp(−s(w·x + b))) + ½|w|², s = ±1
//
// by Newton's method (iteratively reweighted least squares; Hastie, Tibshirani
// and Friedman 2009, section 4.4.1), which is convex and has one minimum.
//
// Not here: features of texture or of clumps, which is where shapes begin.
package trivial
