// Package runner measures: it starts workers, orders their samples, and
// writes what they say to the journal of a run.
//
// A cell is measured in restarts. In each, every arm gets a fresh process;
// all are prepared and warmed up, and then idle, blocked on a pipe. Blocks
// follow, each one sample of every arm in random order, so that whatever the
// machine does over seconds meets all arms alike. A block is one write to the
// journal: a run that is killed loses the block in flight and nothing else,
// and Resume goes on with the next.
//
// Workers are not trusted. Every answer has a time limit and a size limit, is
// read strictly, and is checked against the invariants of package record; what
// goes wrong becomes the status of an arm, with the worker's last words from
// standard error, and the rest of the cell goes on without it. Only losing the
// control ends a cell, and only the journal or the user ends a run.
//
// No worker outlives the runner. Each leads a process group of its own, which
// is killed as a whole; a small watchdog does that when the runner itself is
// killed, and the kernel's parent-death signal covers the moment before the
// watchdog stands.
//
// While a sample runs, this process is blocked in a read: it has no timers, no
// redraws and no goroutines at work. It computes no statistics, except the
// running estimate that progress shows, and what package judge says at the
// planned looks of a cell, between restarts (look.go).
package runner
