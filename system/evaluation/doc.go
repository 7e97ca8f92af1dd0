// Package evaluation says how good classifiers of lenses are on a set of images:
// as a document for programs, a table for a terminal, a page with figures and
// pictures of the worst mistakes, and a CSV file with the score of each image.
//
// An Input is images, of which the truth is known, and what classifiers made of
// them: a network first, and whatever is to stand beside it, such as the
// trivial-feature baseline. New turns it into a Document. All else is made from
// the Document alone, but for the pictures.
//
// # Thresholds
//
// A classifier is used at a threshold, and a threshold is chosen before the images
// are seen to which it is applied. So for each of the false-positive rates in
// Rates it is chosen on validation images, and applied to test images, where it
// has another false-positive rate, which is told too. Only where there are no
// validation images the test images serve, which flatters, and is said. Beside
// it stands the test images' own TPR at that rate, which is a number of their
// ROC curve and no promise.
//
// # Purity
//
// Test sets are half lenses, the sky has one in 10³ to 10⁴. Of what passes a
// threshold, then, nearly all is no lens, and an AUROC does not say so. Purity at
// these prevalences is reported at each threshold, with the bound that the number
// of test images allows.
//
// Not here: scoring (package score), metrics (package metric).
package evaluation
