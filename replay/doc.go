// Package replay runs procedures of comparison over recorded timings and counts
// how often each sees a difference: false alarms where both arms did the same
// work, detections where they did not. So the statistics are certified in
// seconds, on real noise, beside what is commonly done instead.
//
// A recording is a trace in CSV (see readTrace) or a run with its journal. It
// gives pairs of arms that ran side by side, block by block. A procedure is
// asked about sets of restarts:
//
//   - windows: consecutive restarts, each in one window. They are independent, and
//     few
//   - draws: restarts drawn at random and kept in their order of time. They are
//     many, and the interval of their rate says how well the draws know the rate
//     over all such sets of this recording, not of others
//
// Procedures that compare a base with a head measured later take the base from
// the first half of a set and the head from the second. All procedures get the
// same measured time.
package replay
