// Package gate decides whether one build of lens is slower than another, or needs more
// memory, and whether the instrument that says so can be believed.
//
// Every piece of work is a cell with these arms, which run as all arms do, side by side
// in the same blocks:
//
//	base        the build to compare with
//	head        the build in question
//	base-again  base once more: the same program with the same settings
//	canary      head with a slowdown planted in it
//	anchor      a build that stays the same from night to night (if there is one)
//
// A metric of head is flagged if it is worse than base's with an adjusted p below 0.01,
// as one of all metrics of all cells, and by more than θ. It regressed if a fresh run
// of the flagged cells confirms it with p < 0.05 alone. A difference between base and
// base-again by the same rule, or a canary that is not seen, makes the whole run
// invalid, not green: an instrument that alarms on nothing, or is silent when there is
// something, says nothing of head either. Only a cell whose time was limited, and that
// was measured too little for it, may miss its canary: it is inconclusive, and the run is
// invalid if that is so of all.
//
// A cell ends before its last restart if a look finds nothing in it (Settled): time goes
// to the cells in which something may have changed.
//
// The statistics are package judge's; builds are made by package revision.
package gate
