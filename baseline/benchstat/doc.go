// Package benchstat makes the tables of golang.org/x/perf/cmd/benchstat as a
// library: median with interval per benchmark and input, and every further
// input against the first by the Mann–Whitney U test.
//
// The command keeps its tables in internal packages, so they are made again
// here from the parts that it exports: benchfmt reads, benchproc groups,
// benchmath judges, benchunit scales. Text and CSV are those of the command
// with its default flags, byte for byte; the tests run the command and compare.
//
// Not here: the command's projections and filters. Tables are split by
// configuration and unit, rows are full names, columns are inputs.
//
// What these tables say about two stored results is weaker than it looks: see
// package baseline for the caveats that belong beside them.
package benchstat
