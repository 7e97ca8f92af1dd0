package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"lensbench/record"
)

// Places are where the operands of a comparison are looked for.
type Places struct {
	Runs  string // directory of runs
	Store Store
}

// An Operand is one side of a comparison.
type Operand struct {
	Label string // as the user wrote it
	Arm   string // the only arm that takes part; empty for all
	Path  string // of the run's directory or of the file

	// Run and Verdicts are nil for a .bench file, Verdicts also for a run that
	// was not judged.
	Run      *record.Run
	Verdicts *record.Verdicts

	bench []byte // all results in the Go benchmark format
}

// Open finds what the user calls by text: a .bench file, the directory of a
// run, the ID of a run, or a saved baseline, in this order; after a colon, one
// arm of it.
func (p Places) Open(text string) (Operand, error) {
	o, err := p.open(text)
	if errors.Is(err, fs.ErrNotExist) {
		if i := strings.LastIndexByte(text, ':'); i > 0 && i+1 < len(text) {
			return p.openArm(text, text[:i], text[i+1:])
		}
	}
	o.Label = text
	return o, err
}

func (p Places) openArm(label, text, arm string) (Operand, error) {
	o, err := p.open(text)
	if err != nil {
		return o, err
	}
	o.Label, o.Arm = label, arm
	o.bench, err = o.only(arm)
	return o, err
}

func (p Places) open(text string) (Operand, error) {
	info, err := os.Stat(text)
	switch {
	case err == nil && !info.IsDir():
		b, err := os.ReadFile(text)
		return Operand{Path: text, bench: b}, err
	case err == nil:
		return openRun(text)
	}
	if dir := filepath.Join(p.Runs, text); filepath.IsLocal(text) && exists(dir) {
		return openRun(dir)
	}
	saved, err := p.Store.Find(text)
	if errors.Is(err, ErrNoBaseline) {
		return Operand{}, &missing{text, p}
	}
	if err != nil {
		return Operand{}, err
	}
	return openRun(saved.Dir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// missing is a fs.ErrNotExist that says where something was looked for.
type missing struct {
	text   string
	places Places
}

func (m *missing) Error() string {
	return fmt.Sprintf("%s: no such file, run in %s, or baseline in %s", m.text, m.places.Runs, m.places.Store.Dir)
}

func (m *missing) Unwrap() error { return fs.ErrNotExist }

func openRun(dir string) (Operand, error) {
	run, entries, err := load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		// Not wrapped: the directory is there, and is not what it should be.
		return Operand{}, fmt.Errorf("%s is not the directory of a run: %v", dir, err)
	}
	if err != nil {
		return Operand{}, err
	}
	var b bytes.Buffer
	if err := WriteBench(&b, run, entries); err != nil {
		return Operand{}, err
	}
	o := Operand{Path: dir, Run: &run, bench: b.Bytes()}
	v, err := record.ReadVerdicts(dir)
	if err == nil {
		o.Verdicts = &v
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Operand{}, err
	}
	return o, nil
}

// only rewrites the results with one arm's lines alone and without its name, so
// that the lines of two arms meet in the same row.
func (o Operand) only(arm string) ([]byte, error) {
	var out bytes.Buffer
	w := benchfmt.NewWriter(&out)
	r := benchfmt.NewReader(bytes.NewReader(o.bench), o.Path)
	var arms []string // that have results
	for r.Scan() {
		rec := r.Result()
		switch rec := rec.(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			rest, of, ok := splitArm(rec.Name.String())
			if ok && !slices.Contains(arms, of) {
				arms = append(arms, of)
			}
			if of != arm {
				continue
			}
			rec.Name = benchfmt.Name(rest)
		}
		if err := w.Write(rec); err != nil {
			return nil, err
		}
	}
	if r.Err() == nil && !slices.Contains(arms, arm) {
		return nil, o.noArm(arm, arms)
	}
	return out.Bytes(), r.Err()
}

// noArm says why an arm has no results: it is not there, or it failed.
func (o Operand) noArm(arm string, arms []string) error {
	if o.Verdicts != nil {
		for _, cell := range o.Verdicts.Cells {
			for _, a := range cell.Arms {
				if a.Arm == arm {
					return fmt.Errorf("arm %s of %s has no results: %s: %s", arm, o.Path, a.Status, a.Reason)
				}
			}
		}
	}
	if len(arms) == 0 {
		return fmt.Errorf("%s has no results of arms", o.Path)
	}
	return fmt.Errorf("%s has no results of arm %s, only of %s", o.Path, arm, strings.Join(arms, ", "))
}
