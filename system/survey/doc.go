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
// # Parts
//
// A set may be split into parts for training, validation and test. They are ranges of
// indices, one behind the other, so no image is in two of them.
//
// # Images of users
//
// OpenImages also reads .npy (float32 and float64, one image or a stack of them), FITS
// (an HDU for each band, or a cube), PNG and TIFF (grey, or red, green and blue): a
// file, a directory, two directories called lens and nonlens, or a manifest.csv
//
//	file,label,split,sha256,hdu,factor,offset
//	a.fits,1,train,,G;R;I,,
//
// of which only the first column is needed. Files are named from the manifest's
// directory, or by absolute paths, and may lie anywhere. Factor and offset bring back what 16 bits
// were scaled to. Values keep their unit and are never clipped; one that is not
// finite is an error that says where it is, as is a file of another size, one that is
// cut short, and one whose SHA-256 is not that of its manifest. For data sets the latter
// takes Verify, which lens train and lens evaluate call first.
//
// Not here: augmentation and batches (packages augment and loader).
package survey
