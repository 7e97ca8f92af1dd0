// Package plan makes of a trained network, once, a program that computes its logits
// faster, again and again.
//
// What a plan does that the network's own forward pass does not:
//
//   - BatchNorm is folded into the convolution before it (Jacob et al. 2018, section 3.2).
//   - A convolution or linear layer, its bias, the addition of a shortcut and the
//     activation are one operator of oneDNN's: the result is in registers when it is
//     added to, not in memory.
//   - Images have their channels innermost, and weights lie in the order that oneDNN's
//     kernel for their shape reads them in.
//   - In float32 a convolution of 3×3 works on tiles of 4×4 outputs with a fourth of the
//     multiplications, by Winograd's filtering (see tiled), and with four times the memory
//     for its weights. Its rounding errors are about four times larger.
//   - A convolution of a map that is hardly larger than its kernel is a product of
//     matrices, without the multiplications by padding (see formOf).
//   - In bfloat16 attention is one operator, whose scores stay in the cache.
//   - In bfloat16 a product of matrices is computed as a convolution where that takes
//     clearly less time with the session's threads (see lowering.form).
//   - All of it is one [torch.Program]: one call from Go for a batch.
//   - In bfloat16 weights and activations have 16 bits. In int8 both have 8, the
//     additions of shortcuts too: weights with a scale for each output, activations
//     with one scale and zero point each, from a [Calibration].
//
// A dynamic plan does none of this: it is the network's own operators, with linear layers
// in 8 bits as PyTorch's quantize_dynamic has them, for what is claimed of that.
//
// Sums are rounded at other places than in the network's own pass, so logits differ a
// little; [Plan.Check] says whether by more than that. What a precision costs a trained
// network is a question of its accuracy (package evaluation).
//
// A plan of a backbone alone (Options.Backbone) gives Monte-Carlo passes through the head
// their features. Not here: other dropout, gradients, other devices.
package plan
