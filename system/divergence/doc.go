// Package divergence finds where two training runs part ways. Equal settings,
// images and machine give equal bytes (package train); where they do not, what is
// wanted is the first step, and the first tensor in it.
//
// It looks at what the runs have left, from the finest to the coarsest:
//
//   - traces (lens train --trace): digests of every gradient and every weight after
//     each step, so the first step and parameter are known;
//   - journals: losses and gradient norms of intervals of steps;
//   - weights: which tensors differ, and by how much.
//
// Within a step the loss comes first, then gradients, from the last layer to the
// first, then weights. So a loss that differs after equal weights points to the
// images, their order or the forward pass, a gradient after an equal loss to the
// backward pass, and a weight after equal gradients to the optimiser.
//
// Not here: whether a difference matters (package metric says what a network is
// worth).
package divergence
