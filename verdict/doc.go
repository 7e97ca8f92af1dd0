// Package verdict turns samples into statements: pure functions without files,
// clock or randomness of their own.
//
// # Paired comparison
//
// Two arms run side by side, one sample of each per block. A block gives one
// log-ratio, which cancels what both arms suffered together; on shared
// machines that is nearly everything. The estimate is exp(median of all
// log-ratios). Blocks of one restart share a pair of processes, with their
// memory layout and their luck, so inference is over restarts:
//
//   - If the arms do not differ, exchanging their labels within a restart
//     changes nothing, so each restart's log-ratios are as likely as their
//     negatives. p is the share of the 2^R sign flips whose pooled median is
//     at least as extreme as the one seen, counted exactly (signflip.go).
//   - The interval holds every shift that the test does not reject (interval.go).
//   - Equivalence within ±θ is the same test against both ends (Compare).
//   - The minimum detectable effect is the shift that the test would find in
//     95 % of runs like the one seen (power.go).
//   - Several metrics are tested together by relabelling arms (family.go).
//   - A cluster bootstrap stands beside the interval as a check on it
//     (resample.go).
//
// Either the number of restarts is fixed beforehand, or a few looks are planned
// that share the error among them (sequence.go); looking at any other time and
// stopping would break every p and interval here. Below MinRestarts there is no
// statement on a difference: with R restarts no one-sided p is below 2^−R.
//
// # Nights
//
// Absolute numbers of several nights have a night's own effect in them
// (nights.go). Ratios to a fixed anchor make a history, whose level moves at
// change points (changepoint.go).
//
// # One arm alone
//
// Absolute numbers drift with the machine, so they are described, not
// compared: Median over one value per restart, and Quantile of latencies by
// nearest rank, printed only from Floor on.
//
// # Other computations
//
// Where bits cannot repeat, SeedBand asks whether a variant's results differ
// from the control's by more than seeds do.
//
// # Bytes
//
// Peaks of tensor bytes repeat exactly; CompareExact needs no statistics.
//
// # Bits
//
// The same samples give the same statement to the bit: random numbers are
// seeded with a hash of the data. Exchanging the arms gives exactly mirrored
// logarithms. Trouble that does not forbid a statement is in its Warnings.
//
// Rejected: comparing stored numbers or unpaired samples (false alarms of
// 17–44 % on machines that drift), means (one burst moves them), and treating
// blocks as independent.
package verdict
