package torch_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Threads have the coarse timers of the thread that made them, so one speaks
// for the runtime's monitor, which no test can reach.
func TestTimersAreCoarse(t *testing.T) {
	slack := make(chan int)
	for range 2 {
		go func() {
			n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
			if err != nil {
				t.Error(err)
			}
			slack <- n
		}()
		if n := <-slack; n != 5000000 {
			t.Errorf("timers may be %d ns late, want 5000000", n)
		}
	}
}
