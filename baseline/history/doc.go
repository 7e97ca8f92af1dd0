// Package history keeps one line for every night and metric, and finds where a
// metric moved for good.
//
// A directory of history is meant to be kept in git:
//
//	history.jsonl        one Point a line, appended
//	acknowledged.yaml    change points that somebody has explained
//
// A point is a ratio to an anchor: a build that is kept and measured beside
// tonight's, every night, as arms of the same blocks. The ratio is that of one
// night, so machines' drift cancels; and nights are comparable because the
// anchor is the same. Ratios to the night before are rejected: chained, they are
// a random walk and alarm on noise. Where the anchor changes, a new series
// begins, and so it does on another machine.
//
// Change points come from verdict.ChangePoints at a level shared out among all
// series (Level).
package history
