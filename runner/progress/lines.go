package progress

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Lines writes the state as plain lines: when a cell begins, and then at most
// every Every.
type Lines struct {
	W     io.Writer
	Every time.Duration    // 0 is 10 s
	Clock func() time.Time // nil is time.Now

	written time.Time
	cell    int
}

// Update writes a line if one is due.
func (l *Lines) Update(s State) {
	every := l.Every
	if every == 0 {
		every = 10 * time.Second
	}
	now := clock(l.Clock)
	if s.Cell == l.cell && now.Sub(l.written) < every {
		return
	}
	l.cell, l.written = s.Cell, now
	fmt.Fprintln(l.W, strings.Join(pieces(s), "  "))
}

// Note writes the text.
func (l *Lines) Note(text string) { fmt.Fprintln(l.W, text) }

// Finish does nothing: every line is whole.
func (l *Lines) Finish() {}

// pieces say in words where the run stands, what matters most first.
func pieces(s State) []string {
	out := []string{fmt.Sprintf("%3.0f%%", 100*s.Done), Duration(s.Remaining) + " left"}
	if r := s.Running; r != nil {
		out = append(out, fmt.Sprintf("%s about %.3g× (%.3g–%.3g)", r.Variant, r.Ratio, r.Low, r.High))
	}
	out = append(out, fmt.Sprintf("%s (%d/%d)", s.Name, s.Cell, s.Cells))
	switch {
	case s.Restart > 0 && s.Restarts == 0:
		out = append(out, fmt.Sprintf("restart %d", s.Restart))
	case s.Restart > 0:
		out = append(out, fmt.Sprintf("restart %d/%d", s.Restart, s.Restarts))
	}
	if s.Phase == Measuring {
		return append(out, fmt.Sprintf("block %d/%d", s.Block, s.Blocks))
	}
	return append(out, strings.TrimSpace(s.Phase+" "+s.Arm))
}

// Duration is a time in two units at most: "8 s", "2 min 10 s", "1 h 5 min".
func Duration(seconds float64) string {
	s := int(math.Round(min(max(seconds, 0), 1e8)))
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
}
