// Package fusion calibrates the logits of networks and combines those of several
// into one.
//
// # Temperature
//
// A network's logits z become probabilities σ(z/T). T minimises the negative log
// likelihood of labelled validation images (Guo et al. 2017, "On calibration of
// modern neural networks"). It changes no order, so AUROC stays. In 1/T the
// likelihood is convex, and Newton's method finds its minimum.
//
// # Fusion
//
// K members say z_k with variances v_k, of Monte-Carlo dropout. Inverse-variance
// weights,
//
//	z = Σ w_k z_k / Σ w_k,  w_k = 1/max(v_k, Floor),  var z = 1/Σ w_k,
//
// give the mean with the smallest variance if the members' errors are independent.
// The floor keeps a member that happens to be sure of itself from silencing the
// others. Without variances members have equal weights; var z is then that of the
// members' spread over K.
//
// Not here: scoring, package score.
package fusion
