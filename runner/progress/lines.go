package progress

import (
	"fmt"
	"io"
	"math"
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
	fmt.Fprintf(l.W, "%3.0f%%  %s left  %s\n", 100*s.Done, Duration(s.Remaining), describe(s))
}

// Note writes the text.
func (l *Lines) Note(text string) { fmt.Fprintln(l.W, text) }

// Finish does nothing: every line is whole.
func (l *Lines) Finish() {}

// describe says in words where the run stands.
func describe(s State) string {
	text := fmt.Sprintf("%s (%d/%d)", s.Name, s.Cell, s.Cells)
	if s.Restart > 0 {
		text += fmt.Sprintf(" restart %d/%d", s.Restart, s.Restarts)
	}
	if s.Phase == Measuring {
		text += fmt.Sprintf(" block %d/%d", s.Block, s.Blocks)
	} else {
		text += " " + s.Phase
	}
	if s.Arm != "" {
		text += " " + s.Arm
	}
	if r := s.Running; r != nil {
		text += fmt.Sprintf("  %s about %.3g× (%.3g–%.3g)", r.Variant, r.Ratio, r.Low, r.High)
	}
	return text
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
