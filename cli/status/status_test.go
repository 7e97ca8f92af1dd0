package status

import (
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	var b strings.Builder
	now := time.Unix(100, 0)
	begun := now
	l := &Line{w: &b, now: func() time.Time { return now }, every: time.Second, width: func() int { return 30 }, begun: begun}
	now = now.Add(2 * time.Second)
	l.Count("image", 10, 40)
	l.Count("image", 11, 40) // a moment later: not drawn
	now = now.Add(2 * time.Second)
	l.Count("image", 30, 40)
	l.Note("a word")
	l.Finish()
	want := clearLine + "image 10/40  5 images/s" + clearLine + "image 30/40  7.5 images/s" + clearLine + "a word\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// Without a terminal there are plain lines, none in the first ten seconds.
func TestPlainLines(t *testing.T) {
	var b strings.Builder
	l := New(&b)
	now := l.begun
	l.now = func() time.Time { return now }
	l.Count("image", 1, 40)
	now = now.Add(20 * time.Second)
	l.Count("image", 10, 40)
	l.Finish()
	if want := "image 10/40  0.5 images/s  1 min 0 s left\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{
		-1: "0 s", 0.84: "0.84 s", 9.94: "9.9 s", 9.96: "10 s", 59.4: "59 s", 130: "2 min 10 s", 3599.6: "1 h 0 min", 3900: "1 h 5 min",
	} {
		if got := Duration(seconds); got != want {
			t.Errorf("%g s: %q, want %q", seconds, got, want)
		}
	}
}
