// Command bench is the harness: it measures scenarios and says what it found.
//
//	bench run ensemble-parallel
//	bench help
//
// This package is the command line only: flags, wiring, exit status and the
// wording of mistakes. What it wires are packages scenarios, runner, judge,
// report, baseline and doctor. It never links libtorch: workers do, and no
// crash of theirs reaches it.
//
// Manners: what was asked for goes to standard output, and with --json nothing
// else does; progress, warnings and errors go to standard error. An error is
// one or two lines that begin with what the user wrote.
package main
