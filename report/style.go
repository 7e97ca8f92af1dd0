package report

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Widths of text, in columns.
const (
	MinWidth     = 80  // nothing is laid out narrower
	DefaultWidth = 100 // where there is no terminal, and the widest there
)

// Options say how a report is laid out. The zero value is for a file.
type Options struct {
	Width   int  // columns; 0 means DefaultWidth
	Color   bool // repeat with colour what words say
	Details bool // tail latencies and cold costs as well

	// Calibration says what was found when equal arms were compared on the run's
	// machine, in a line; empty leaves it out.
	Calibration string
}

// OptionsFor suits the layout to where it goes: colour on a terminal alone, and
// not if NO_COLOR is set or the terminal is dumb.
func OptionsFor(w io.Writer) Options {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return Options{Width: DefaultWidth}
	}
	o := Options{Width: DefaultWidth, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		o.Width = width
	}
	return o
}

// width is the layout's own, between MinWidth and DefaultWidth.
func (o Options) width() int {
	if o.Width == 0 {
		return DefaultWidth
	}
	return min(max(o.Width, MinWidth), DefaultWidth)
}

// colours of tones, as the parameters of a terminal's escape sequence.
var colours = map[tone]string{good: "32", bad: "31", doubtful: "33"}

// paint colours s, which must be one line.
func (o Options) paint(s string, t tone) string {
	code, ok := colours[t]
	if !o.Color || !ok || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// bold stresses s.
func (o Options) bold(s string) string {
	if !o.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}
