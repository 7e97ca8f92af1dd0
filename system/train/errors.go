package train

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"lensbench/torch"
)

// ErrInterrupted is the kind of the error of a run whose context was cancelled.
// Nothing is lost: its last checkpoint is that of the last step.
var ErrInterrupted = errors.New("interrupted")

// A NonFinite says that training has diverged.
type NonFinite struct {
	What        string  // "loss" or "gradient norm"
	Value       float64 // the first that is not finite
	Step        int     // which that is, from 1
	First, Last int     // steps that were looked at
	Count       int     // how many of them are not finite
}

func (e *NonFinite) Error() string {
	return fmt.Sprintf("%s is %v at step %d (%d of steps %d to %d are not finite): a lower rate, clipping or warm-up may help",
		e.What, e.Value, e.Step, e.Count, e.First, e.Last)
}

// finite returns an error if some of the losses and norms of steps, the first of
// which is number first, are not finite.
func finite(first int, losses, norms []float32) error {
	var found *NonFinite
	note := func(i int, what string, v float32) bool {
		if v64 := float64(v); !math.IsNaN(v64) && !math.IsInf(v64, 0) {
			return false
		}
		if found == nil {
			found = &NonFinite{what, float64(v), first + i, first, first + len(losses) - 1, 0}
		}
		return true
	}
	for i := range losses {
		if note(i, "loss", losses[i]) || note(i, "gradient norm", norms[i]) {
			found.Count++
		}
	}
	if found == nil {
		return nil
	}
	return found
}

// broken says of what ended a run too early what is kept.
func (r *run) broken(err error) error {
	if errors.Is(err, torch.ErrOutOfMemory) {
		err = fmt.Errorf("%w; a smaller batch needs less memory", err)
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		err = fmt.Errorf("%w; make room there, and --resume goes on", err)
	}
	if r.dir == nil { // not rank 0
		return err
	}
	saved, peek := Peek(r.dir.file(LastName))
	if peek != nil {
		return err
	}
	if errors.Is(err, ErrInterrupted) {
		return fmt.Errorf("%w at %s, which %s holds; --resume goes on from there", err, saved.Where(), r.dir.file(LastName))
	}
	return fmt.Errorf("%w; %s is intact, of %s", err, r.dir.file(LastName), saved.Where())
}
