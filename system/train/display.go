package train

import (
	"fmt"
	"io"

	"lensbench/cli/status"
)

// NewDisplay returns a Watcher that writes to w: on a terminal a line that is
// drawn over, elsewhere plain lines. The lines of epochs stay on both.
func NewDisplay(w io.Writer) Watcher { return display{status.New(w)} }

type display struct{ line *status.Line }

func (d display) Update(p Progress) { d.line.Update(p.pieces) }

func (d display) Epoch(l EpochLine) { d.line.Note(l.String()) }

func (d display) Note(text string) { d.line.Note(text) }

func (d display) Finish() { d.line.Finish() }

func (p Progress) pieces() []string {
	out := []string{fmt.Sprintf("epoch %d/%d", p.Epoch, p.Epochs)}
	if p.Steps > 0 {
		out = append(out, fmt.Sprintf("step %d/%d", p.Step, p.Steps))
	} else {
		out = append(out, "validation")
	}
	if p.Loss != 0 {
		out = append(out, fmt.Sprintf("loss %.4f", p.Loss))
	}
	if p.PerSecond > 0 {
		out = append(out, status.Rate(p.PerSecond))
	}
	if p.Remaining >= 0 {
		out = append(out, status.Duration(p.Remaining)+" left")
	}
	return out
}

func (l EpochLine) String() string {
	best := ""
	if l.Best {
		best = " (best)"
	}
	return fmt.Sprintf("epoch %d: loss %.4f, validation loss %.4f%s, AUROC %.4f, %s, %s",
		l.Place.Epoch, l.Loss, l.Validation, best, l.AUROC, status.Rate(l.PerSecond), status.Duration(l.Seconds))
}
