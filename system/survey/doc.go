// Package survey keeps simulated images on disk, and reads those that users have.
//
// A data set is a directory:
//
//	manifest.json      what made it, and what is in every file
//	images/000000.npy  image 0, float32 [bands, rows, columns]
//	images/000001.npy  …
//
// It is complete or it is not there: Simulate writes to a directory beside the
// target and renames it, so neither a reader nor a second process that makes
// the same set ever sees half of one. What a killed process left behind is
// removed by the next that writes there.
//
// Images depend on (seed, index) alone (see package sky), so the same Spec gives
// the same bytes on any number of workers, and a set of 100 images is the
// beginning of the set of 1000.
//
// Files that did not come from here are read as they lie in a directory: .npy and
// .png, see OpenImages.
//
// Not here: augmentation and batches (packages augment and loader).
package survey
