// Package telemetry reads what the host did while a sample ran.
//
// Counters are read before and after, outside the worker's timed window, and
// differences are kept. Nothing runs in between.
//
// Which processes used the CPU is asked of the kernel's per-process clocks
// (clock_gettime on a process's CPU clock): they count nanoseconds, where the
// tables of /proc count ticks of 10 ms, as long as a whole sample. One call
// takes well under a microsecond. Their blind spot is processes that start
// and end within one sample; what /proc/stat counts beyond its own error of
// two ticks per core is attributed to those.
//
// Rejected: /proc/schedstat, which is exact but not in every kernel; walking
// /proc/<pid>/stat, which costs 20 µs per process; a sampling thread, which
// would disturb what it watches.
package telemetry
