// Package claims sets what was promised beside what was found.
//
// Promises are the rows of one table, fixed before anything was run: those of
// the review that lensbench puts to the test, its quality goals, and what goes
// beyond it. Collect looks for the scenarios that test a promise and, for each,
// for the newest run on one machine that decides it. A promise that nothing
// tests has a line, too, which says so.
//
// A verdict counts only if it is one on the scenario as it is now: a run whose
// deciding cell had other settings, another expectation or another check is of
// another promise. Of the runs that are left the newest whole one counts; one
// that was interrupted, or cut down with --restarts or --blocks, counts only if
// there is no other, and its line says so.
//
// The package reads nothing and decides nothing: verdicts are those of the
// documents that a run left.
package claims
