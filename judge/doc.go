// Package judge turns the journal of a run into its verdicts: it sorts raw
// samples by cell, arm and restart, has package verdict make the statements,
// and says in words what may be believed and why.
//
// The document depends on the run and its journal alone: the same entries give
// the same verdicts to the bit, today or from an archive. A run that was cut
// short is judged by what is there, and says so.
//
// What a metric is:
//
//   - throughput: items ÷ wall time of a sample, as the worker said them; pairs
//     are made within a block
//   - latency: the median, by nearest rank, of the iterations of a sample
//   - memory_peak: the peak of tensor bytes in a memory pass, which must repeat
//     exactly from one pass to the next
//   - energy: joules of the whole machine ÷ items, in a pass of which an arm is alone
//     on it
//   - activation_peak: the peak of bytes in activations alone, likewise
//
// An arm that failed in any way has no verdict, whatever its numbers: outputs
// that differ from the control's are quality_fail before they are fast. Numbers
// that were measured are shown all the same. A claim without numbers is one on
// the outputs themselves: its check supports or refutes it.
//
// Blocks in which the host did something else to a gross extent are left out in
// all arms alike (contaminated.go); that depends on telemetry alone.
//
// Where the plan has looks, a statement is made at the last look that its arms
// reached, and Settled says at each which arms need no more measuring. All
// primary comparisons of a run are also tested as one family.
//
// Statuses that are found here, not by the runner, are invalid (a sample
// contradicts itself), insufficient (fewer than eight restarts), contaminated
// (see noisyShare) and quality_fail (a failed check of outputs in the journal).
package judge
