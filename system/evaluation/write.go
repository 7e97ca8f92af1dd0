package evaluation

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lensbench/system/atomic"
)

// Names of the files of an evaluation.
const (
	DocumentName = "evaluation.json"
	PageName     = "evaluation.html"
	ScoresName   = "scores.csv"
)

// PrepareDir makes a directory for an evaluation, and finds out whether files can
// be written there: it is asked before the work is done.
func PrepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("%s: cannot be made: %w", dir, err)
	}
	f, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return fmt.Errorf("%s: cannot write there: %w", dir, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// WriteDir writes page, scores and document to a directory. Each file is there as a
// whole or not at all, and the document, which programs read, comes last.
func WriteDir(dir string, in Input, d *Document) error {
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{ScoresName, func(w io.Writer) error { return WriteScores(w, in) }},
		{PageName, d.WriteHTML},
		{DocumentName, d.WriteJSON},
	} {
		if err := atomic.WriteFile(filepath.Join(dir, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}
