// Package calibration says what this project's statements are worth on a
// machine: how often they see a difference between equal arms, and how small a
// difference they find in a given time.
//
// A calibration is an ordinary run of one cell whose two arms are the same. Its
// restarts, in the order of time, are cut into sets, of 8 if nobody says otherwise, the
// fewest that give a verdict; each set is judged as a run of its own would be, and so makes one
// statement per metric that no other set has a part in. A statement that says
// "faster" or "slower" is a false alarm. Their rate has the exact interval of
// Clopper and Pearson. A set that is contaminated does not count, unless something ran
// beside it on purpose.
//
// What can be found in a time follows from how much restarts scatter
// (verdict.Scatter) and how many of them fit into that time.
//
// Calibrations are kept by the identity of the machine, below the cache and, if a project
// publishes them, beside its baselines. Their alarms add up; the scatter is that of the
// latest one, since neighbours come and go.
package calibration
