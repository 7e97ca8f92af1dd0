package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// For returns the sink that suits a file: a line that is drawn over if it is a
// terminal, plain lines if it is not.
func For(f *os.File) Sink {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" {
		return &Lines{W: f}
	}
	return &Terminal{W: f, Width: func() int {
		if w, _, err := term.GetSize(fd); err == nil {
			return w
		}
		return 80
	}}
}

// A Terminal draws the state over itself on one line.
type Terminal struct {
	W     io.Writer
	Width func() int       // of the terminal, in columns; it may change
	Clock func() time.Time // nil is time.Now

	drawn time.Time
	phase string
	shown bool // a line is on the screen
}

const (
	redrawEvery = 100 * time.Millisecond
	clearLine   = "\r\x1b[K"
)

// Update redraws the line, at most ten times a second unless the phase is new.
func (t *Terminal) Update(s State) {
	now := clock(t.Clock)
	phase := fmt.Sprint(s.Cell, s.Phase, s.Arm)
	if phase == t.phase && now.Sub(t.drawn) < redrawEvery {
		return
	}
	t.drawn, t.phase, t.shown = now, phase, true
	io.WriteString(t.W, clearLine+line(s, t.Width()-1)) // one write, so that it does not flicker
}

// Note puts the text above the line.
func (t *Terminal) Note(text string) {
	io.WriteString(t.W, clearLine+text+"\n")
	t.phase = "" // draw again
}

// Finish removes the line: what follows is the report.
func (t *Terminal) Finish() {
	if t.shown {
		io.WriteString(t.W, clearLine)
	}
}

// line is the state in at most width columns: as many of its pieces as fit, in
// the order of what people look for.
func line(s State, width int) string {
	const bar = 10
	full := int(s.Done*bar + 0.5)
	text := "[" + strings.Repeat("#", full) + strings.Repeat(".", bar-full) + "]"
	for _, piece := range pieces(s) {
		longer := text + "  " + piece
		if utf8.RuneCountInString(longer) > width {
			break
		}
		text = longer
	}
	if utf8.RuneCountInString(text) > width {
		return ""
	}
	return text
}

func clock(c func() time.Time) time.Time {
	if c == nil {
		return time.Now()
	}
	return c()
}
