// Package baseline keeps runs, trades them in the Go benchmark format, and
// compares what is stored.
//
// A Store is a directory of runs by the identity of their machine:
//
//	<store>/<machine ID>/<name>/run.json       the run as it was planned
//	                            journal.jsonl  every raw sample
//	                            verdicts.json  what the run said, if it was judged
//	                            results.bench  the same in the Go benchmark format
//
// A .bench file is for plain benchstat: base units, one line per restart and
// arm, Unit lines for direction, and as configuration only what identifies the
// machine, so that two runs on one machine fall into one table.
//
// Compare puts stored results side by side. What it can say depends on how
// they came to be, and it says which:
//   - two arms of one run were measured in pairs, so the run's own verdict holds;
//   - two runs were measured at different times. A shared machine drifts by
//     tens of per cent within hours, and no test on stored numbers can tell that
//     from a change of the code. The table is shown with that warning;
//   - runs on different machines are not comparable at all.
//
// Not here: a gate. Whoever must decide whether a change is slower runs both
// builds as arms of one run.
package baseline
