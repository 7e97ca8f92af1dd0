package record

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Names inside a run's directory.
const (
	RunFile      = "run.json"
	JournalFile  = "journal.jsonl"
	VerdictsFile = "verdicts.json"
	LogsDir      = "logs"
)

// CheckWritable says whether runs can be made below root, which is created if
// it is absent. It exists to be called before anything is measured.
func CheckWritable(root string) error {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return fmt.Errorf("directory of runs %s: %w", root, err)
	}
	f, err := os.CreateTemp(root, ".writable-*")
	if err != nil {
		return fmt.Errorf("directory of runs %s is not writable: %w", root, errors.Unwrap(err))
	}
	_, werr := f.WriteString("x")
	return errors.Join(werr, f.Close(), os.Remove(f.Name()))
}

// Create makes the directory of a new run below root and returns its path. It
// fills in the run's Schema and, where they are empty, Started and ID. The
// directory appears under its name only when it is complete, so whoever lists
// root never sees half a run.
func Create(root string, run *Run) (string, error) {
	run.Schema = Schema
	if run.Started.IsZero() {
		run.Started = time.Now()
	}
	if run.ID == "" {
		run.ID = newID(run.Started)
	}
	dir := filepath.Join(root, run.ID)
	if err := create(root, dir, run); err != nil {
		return "", fmt.Errorf("new run %s: %w", dir, err)
	}
	return dir, nil
}

func create(root, dir string, run *Run) error {
	tmp, err := os.MkdirTemp(root, ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // does nothing once renamed
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(tmp, LogsDir), 0o755); err != nil {
		return err
	}
	if err := WriteJSON(filepath.Join(tmp, RunFile), run); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, JournalFile), nil, 0o644); err != nil {
		return err
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncDir(root)
}

// newID is the time in UTC to a quarter of a millisecond, the part of a second in
// three digits, so that names sort by age; and three random digits, so that two runs
// of one moment differ.
func newID(t time.Time) string {
	var b [2]byte
	rand.Read(b[:]) // never fails
	part, chance := t.Nanosecond()*4096/1e9, binary.BigEndian.Uint16(b[:])>>4
	return fmt.Sprintf("%s-%03x%03x", t.UTC().Format("20060102T150405Z"), part, chance)
}

// ReadRun reads the plan of the run in dir.
func ReadRun(dir string) (Run, error) {
	var run Run
	err := ReadJSON(filepath.Join(dir, RunFile), &run, &run.Schema)
	return run, err
}

// ReadVerdicts reads the statements of the run in dir.
func ReadVerdicts(dir string) (Verdicts, error) {
	var v Verdicts
	err := ReadJSON(filepath.Join(dir, VerdictsFile), &v, &v.Schema)
	return v, err
}

// WriteVerdicts replaces the statements of the run in dir; a reader sees the
// old ones or the new ones, never a part.
func WriteVerdicts(dir string, v Verdicts) error {
	v.Schema = Schema
	return WriteJSON(filepath.Join(dir, VerdictsFile), v)
}

// ReadJSON reads a document of this project; schema is its field of that name,
// which must be one that this build knows.
func ReadJSON(path string, into any, schema *int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if *schema < 1 || *schema > Schema {
		return fmt.Errorf("%s: schema %d; this build reads 1 to %d", path, *schema, Schema)
	}
	return nil
}

// WriteJSON writes v, indented, to a file beside path, and renames it when it
// is safely on disk.
func WriteJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Unwrap(err))
	}
	defer os.Remove(f.Name()) // fails harmlessly once renamed
	_, werr := f.Write(append(b, '\n'))
	if err := errors.Join(werr, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
