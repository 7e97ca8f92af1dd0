// Package score applies trained networks to images.
//
// Images are read by goroutines (package loader), stretched and resized as the
// network's manifest says, and never varied. The logit of an image depends on the
// image, the network and the compute threads; on the size of a batch only by
// rounding.
//
// # Monte-Carlo dropout
//
// With Config.MonteCarlo = K, K passes with dropout switched on and BatchNorm's
// statistics frozen are K samples of what the network might have become (Gal and
// Ghahramani 2016, "Dropout as a Bayesian approximation"). Their mean is the logit
// and their variance says how sure the network is of it. Where dropout is only in
// the head, which is a thousandth of the work, the backbone runs once for all K:
// the samples are those of K whole passes, to the bit, because nothing else draws
// random numbers.
//
// The masks of a batch come from a generator seeded by (Seed, number of the batch),
// so they depend on the size of batches too, but on no other batch.
//
// Not here: calibration and combining networks, package fusion.
package score
