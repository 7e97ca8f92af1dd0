package main

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestBurn: it keeps a core busy for about half of the time, and ends with its input.
func TestBurn(t *testing.T) {
	in, end := io.Pipe()
	done := make(chan int)
	var out bytes.Buffer
	before, begin := used(t), time.Now()
	go func() { done <- run(context.Background(), []string{"burn", "--seed", "1"}, in, &out, &out) }()
	for time.Since(begin) < 2*time.Second && used(t)-before < 50*time.Millisecond {
		time.Sleep(10 * time.Millisecond)
	}
	if busy := used(t) - before; busy < 50*time.Millisecond {
		t.Errorf("busy for %v in %v", busy, time.Since(begin))
	}
	end.Close()
	select {
	case code := <-done:
		if code != exitFine || out.Len() > 0 {
			t.Errorf("exit status %d: %s", code, &out)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("burns on after its input has ended")
	}
}

// used is the processor time of this process.
func used(t *testing.T) time.Duration {
	t.Helper()
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
