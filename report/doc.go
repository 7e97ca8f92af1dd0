// Package report shows what a run found: as a table for people (Text), as the
// section of RESULTS.md that lensbench owns (Markdown, UpdateFile), and for
// programs (JSON, CSV).
//
// All of them are functions of a Run and its Verdicts. Nothing is decided here:
// what a number means is the business of package verdict, and this package only
// puts the statements where a reader finds them. What it adds is layout, units
// and rounding:
//
//   - A number is printed with as many digits as its interval supports, and
//     with the interval. Bounds are rounded outwards, so what is printed holds
//     what was computed.
//   - "–" is absent. Absent, zero and failed never look alike.
//   - Text fits the width of the terminal, 80 columns or more. Colour repeats
//     what words say.
//
// Times are seconds and sizes are bytes until they are printed.
package report
