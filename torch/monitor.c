// Go's runtime has a monitor thread that sleeps 20 µs at a time while a
// goroutine is in C, so that it can give the goroutine's processor to another.
// Under libtorch that is nearly always, and on a machine whose timers are dear
// (a virtual one) the monitor took 4 % of a core from a network that was using
// all of them.
//
// Timers of this process may therefore come up to 5 ms late. The kernel then
// wakes the monitor that much less often; with 1 ms half of the cost was left.
// Nothing that lens waits for is as short. It is set when the program is loaded,
// because threads inherit it and the monitor is among the first.

#include <sys/prctl.h>

__attribute__((constructor)) static void let_timers_be_late(void) {
  const unsigned long nanoseconds = 5000000;
  prctl(PR_SET_TIMERSLACK, nanoseconds);
}
