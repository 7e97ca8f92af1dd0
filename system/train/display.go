package train

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// NewDisplay returns the Watcher that suits w: on a terminal a line that is drawn
// over, elsewhere plain lines. The lines of epochs stay on both.
func NewDisplay(w io.Writer) Watcher {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return &display{w: w, now: time.Now, every: 10 * time.Second}
	}
	return &display{w: w, now: time.Now, every: 100 * time.Millisecond, width: func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
		return 80
	}}
}

// A display shows where training is. It draws when it is told something, and has
// no goroutine that would take time from training.
type display struct {
	w     io.Writer
	now   func() time.Time
	every time.Duration // between updates, at least
	width func() int    // of the terminal, in columns; nil: it is none

	drawn time.Time
	shown bool // a line is on the terminal that is to be drawn over
}

const clearLine = "\r\x1b[K"

func (d *display) Update(p Progress) {
	now := d.now()
	if now.Sub(d.drawn) < d.every {
		return
	}
	d.drawn = now
	if d.width == nil {
		fmt.Fprintln(d.w, strings.Join(p.pieces(), "  "))
		return
	}
	d.shown = true
	io.WriteString(d.w, clearLine+fit(p.pieces(), d.width()-1)) // one write, so that it does not flicker
}

func (d *display) Epoch(l EpochLine) { d.Note(l.String()) }

// Note writes a line that stays.
func (d *display) Note(text string) {
	d.clear()
	fmt.Fprintln(d.w, text)
}

func (d *display) Finish() { d.clear() }

func (d *display) clear() {
	if d.shown {
		io.WriteString(d.w, clearLine)
	}
	d.shown = false
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

func (p Progress) pieces() []string {
	out := []string{fmt.Sprintf("epoch %d/%d", p.Epoch, p.Epochs)}
	if p.Batches > 0 {
		out = append(out, fmt.Sprintf("step %d/%d", p.Batch, p.Batches))
	} else {
		out = append(out, "validation")
	}
	if p.Loss != 0 {
		out = append(out, fmt.Sprintf("loss %.4f", p.Loss))
	}
	if p.PerSecond > 0 {
		out = append(out, fmt.Sprintf("%.3g images/s", p.PerSecond))
	}
	if p.Remaining >= 0 {
		out = append(out, inWords(p.Remaining)+" left")
	}
	return out
}

func (l EpochLine) String() string {
	best := ""
	if l.Best {
		best = " (best)"
	}
	return fmt.Sprintf("epoch %d: loss %.4f, validation loss %.4f%s, AUROC %.4f, %.3g images/s, %s",
		l.Place.Epoch, l.Loss, l.Validation, best, l.AUROC, l.PerSecond, inWords(l.Seconds))
}

// inWords is a time in two units at most: "8 s", "2 min 10 s", "1 h 5 min".
func inWords(seconds float64) string {
	s := int(math.Round(min(max(seconds, 0), 1e8)))
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
}
