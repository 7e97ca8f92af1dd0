// Package step is what happens between two changes of a network's weights: how a
// batch becomes gradients. lens train and the worker's training both use it, so what
// bench measures is what users run.
//
// A step has one or more micro-batches. Each is a forward pass, a loss, and a
// backward pass that adds to the gradients; then the optimiser (package optim)
// changes the weights. The gradients are those of the mean loss over all images of
// the step, whatever the number of micro-batches: each counts by its share of them.
//
// # Precision
//
// In bf16 and fp16 the forward pass runs under autocast: convolutions and matrix
// products take their inputs rounded to 16 bits, normalisations and the loss stay in
// float32, and so do weights, gradients and the optimiser. Gradients in fp16 would
// vanish below 6e-8, so losses are scaled up (optim.Scaler); bf16 has the range of
// float32 and needs none.
//
// # Scales
//
// With several scales a network sees each image at several sizes, resized from the
// same augmented view, and the loss is the mean of the scales' losses, plus a
// consistency term
//
//	λ · mean over the other scales s of KL(p₁ ‖ p_s)
//
// between Bernoulli distributions, image by image, with p₁ the probability at the
// first scale, from which no gradient comes: what is seen best does not have to move
// towards what is seen worse. That is also what lets the scales be gone back from one
// by one. Summed keeps the graphs of all scales until one backward pass; PerScale
// frees each before the next begins; Grouped does so for groups of scales that fit
// a budget together. Of the latter two the largest scale takes least if it comes first:
// then there are no gradients yet beside its activations. All three have the same gradients, up to rounding, as long as
// BatchNorm uses its running statistics; with those of the batch, too, for each scale
// is normalised by itself.
//
// Not here: rates, epochs, files (package train); other ranks (package ranks).
package step
