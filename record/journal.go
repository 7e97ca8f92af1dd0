package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrHeld means that another process writes to the journal.
var ErrHeld = errors.New("another process is writing to this run")

// A Journal appends entries to the journal of a run. It holds a lock on the
// file until it is closed or its process ends, however that ends.
type Journal struct {
	path string
	f    *os.File
	size int64 // bytes up to the end of the last good line
	kept int   // lines in those bytes
	torn bool  // the file does not end with a newline
}

// A WriteError means that entries could not be appended: the disk is full,
// most likely. What was appended before is safe.
type WriteError struct {
	Path string
	Kept int // lines that the journal keeps
	Err  error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("write %s: %v; the %d entries written before are kept", e.Path, e.Err, e.Kept)
}

func (e *WriteError) Unwrap() error { return e.Err }

// OpenJournal opens the journal of the run in dir for appending. The error is
// ErrHeld if another process has it open.
func OpenJournal(dir string) (*Journal, error) {
	path := filepath.Join(dir, JournalFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, f: f}
	if err := j.lock(); err != nil {
		f.Close()
		return nil, err
	}
	if err := j.measure(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return j, nil
}

func (j *Journal) lock() error {
	err := unix.Flock(int(j.f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w", j.path, ErrHeld)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", j.path, err)
	}
	return nil
}

// measure counts lines and finds out whether the last one is complete.
func (j *Journal) measure() error {
	buf := make([]byte, 1<<16)
	for {
		n, err := j.f.Read(buf)
		if n > 0 {
			j.size += int64(n)
			j.kept += bytes.Count(buf[:n], []byte{'\n'})
			j.torn = buf[n-1] != '\n'
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Append adds entries with one write and waits until they are on disk. After
// an error the journal can be appended to again: what was half-written is cut
// off, or, where that fails, ended with a newline so that no later line is
// glued to it.
func (j *Journal) Append(entries ...Entry) error {
	b, err := encode(entries)
	if err != nil {
		return fmt.Errorf("write %s: %w", j.path, err)
	}
	if j.torn {
		b = append([]byte{'\n'}, b...)
	}
	n, err := j.f.Write(b)
	if err != nil {
		j.repair(n)
		return &WriteError{Path: j.path, Kept: j.kept, Err: cause(err)}
	}
	if err := j.f.Sync(); err != nil {
		j.repair(n)
		return &WriteError{Path: j.path, Kept: j.kept, Err: cause(err)}
	}
	j.size += int64(n)
	j.kept += len(entries)
	j.torn = false
	return nil
}

// encode writes one line per entry. encoding/json escapes newlines, so a line
// is an entry.
func encode(entries []Entry) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, e := range entries {
		if err := e.check(); err != nil {
			return nil, err
		}
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func (j *Journal) repair(written int) {
	if err := j.f.Truncate(j.size); err != nil && written > 0 {
		j.torn = true
		j.size += int64(written)
	}
}

// Close releases the journal.
func (j *Journal) Close() error { return j.f.Close() }

// cause strips the operation and path that os adds, since WriteError has them.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
