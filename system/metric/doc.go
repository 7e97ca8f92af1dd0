// Package metric measures how well scores separate lenses from what is none, and
// whether probabilities mean what they say.
//
// A Sample is scored images with their labels. It is sorted once; every number is
// then a method of it that takes one pass over the scores in order.
//
// # Definitions
//
//   - Lenses are the positives. An image passes a threshold t if its score is ≥ t.
//   - Ties are exact: images of equal score pass together, so curves have one
//     point for each distinct score, and AUROC counts a tied pair as half. AUROC
//     is the Mann–Whitney U over the number of pairs (Hanley & McNeil 1982,
//     Radiology 143, 29), from whole numbers, with one rounding.
//   - AUPRC is average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ from high thresholds to low, as
//     scikit-learn's average_precision_score: nothing is interpolated, because
//     that flatters (Davis & Goadrich 2006).
//   - TPR at a FPR is the largest TPR of a threshold whose FPR is at most that. The
//     threshold itself, the lowest score that does it, is to be chosen on one
//     Sample and applied to another.
//   - NLL is the mean of −ln p of the true label. Probabilities are clipped to
//     [ε, 1−ε], ε = 2⁻⁵², as scikit-learn's log_loss does: a mistake that was
//     certain costs 36 nats and not infinitely many.
//   - ECE and MCE (Guo et al. 2017, ICML) compare the mean probability of a lens
//     with the share of lenses in Bins bins of equal width, (k/15, (k+1)/15]; p = 0
//     belongs to the first.
//   - Purity is precision at another prevalence than that of the sample, by Bayes'
//     rule from TPR and FPR.
//
// What is not defined is NaN: AUROC without a lens, precision where nothing passes.
//
// # Intervals
//
// See Bootstrap and Binomial. Whatever is a share of independent images has an
// exact interval, which still says something when the share is 0 or 1; for all
// else there is the bootstrap.
//
// Not here: multi-class scores, sample weights of a user, files.
package metric
