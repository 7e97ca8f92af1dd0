// Package status shows how far a long job is: on a terminal a line that is drawn
// over, elsewhere plain lines, now and then.
package status

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Line is the place for it. It draws when it is told something, and has no
// goroutine that would take time from the job. Any number of goroutines may use it.
type Line struct {
	w     io.Writer
	now   func() time.Time
	every time.Duration // between updates, at least
	width func() int    // of the terminal, in columns; nil: it is none

	mu    sync.Mutex
	drawn time.Time
	shown bool // a line is on the terminal that is to be drawn over
	begun time.Time
}

// New returns the Line that suits w. Off a terminal there is nothing for the
// first ten seconds, so that short jobs say nothing.
func New(w io.Writer) *Line {
	l := &Line{w: w, now: time.Now, every: 10 * time.Second, begun: time.Now()}
	l.drawn = l.begun
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		l.every, l.drawn = 100*time.Millisecond, time.Time{}
		l.width = func() int {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil {
				return width
			}
			return 80
		}
	}
	return l
}

const clearLine = "\r\x1b[K"

// Update shows what pieces returns, as many of them as there is room for, unless
// the last time was a moment ago.
func (l *Line) Update(pieces func() []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.drawn) < l.every {
		return
	}
	l.drawn = now
	if l.width == nil {
		fmt.Fprintln(l.w, strings.Join(pieces(), "  "))
		return
	}
	l.shown = true
	io.WriteString(l.w, clearLine+fit(pieces(), l.width()-1)) // one write, so that it does not flicker
}

// Count shows that so many images of all are done, how fast, and how long it will
// take.
func (l *Line) Count(what string, done, of int) {
	l.Update(func() []string {
		pieces := []string{fmt.Sprintf("%s %d/%d", what, done, of)}
		if seconds := l.now().Sub(l.begun).Seconds(); seconds > 0.5 && done > 0 {
			perSecond := float64(done) / seconds
			pieces = append(pieces, Rate(perSecond), Duration(float64(of-done)/perSecond)+" left")
		}
		return pieces
	})
}

// Note writes a line that stays.
func (l *Line) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	fmt.Fprintln(l.w, text)
}

// Finish takes the line away.
func (l *Line) Finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
}

func (l *Line) clear() {
	if l.shown {
		io.WriteString(l.w, clearLine)
	}
	l.shown = false
}

// fit joins as many pieces as have room, in the order of what people look for.
func fit(pieces []string, width int) string {
	text := ""
	for i, piece := range pieces {
		longer := text + piece
		if i > 0 {
			longer = text + "  " + piece
		}
		if utf8.RuneCountInString(longer) > width {
			break
		}
		text = longer
	}
	return text
}

// Rate is a rate in words, with three digits or all before the point.
func Rate(perSecond float64) string {
	if perSecond >= 100 {
		return fmt.Sprintf("%.0f images/s", perSecond)
	}
	return fmt.Sprintf("%.3g images/s", perSecond)
}

// Duration is a time in two units at most: "0.8 s", "18 s", "2 min 10 s",
// "1 h 5 min".
func Duration(seconds float64) string {
	s := int(math.Round(min(max(seconds, 0), 1e8)))
	switch {
	case seconds < 9.95:
		return fmt.Sprintf("%.2g s", max(seconds, 0))
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
}
