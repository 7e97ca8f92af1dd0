package survey

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A workplace is a directory in which one process builds a data set. It is
// locked while that process lives, so that others can tell it from one that a
// killed process left.
type workplace struct {
	dir  string
	lock *os.File
}

// newWorkplace makes a workplace beside target, on the same file system, and
// clears away abandoned ones.
func newWorkplace(target string) (*workplace, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return nil, err
	}
	parent, base := filepath.Split(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(target); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: %w and is not empty", target, fs.ErrExist)
	}
	prefix := "." + base + ".partial-"
	removeAbandoned(filepath.Join(parent, prefix+"*"))
	for {
		dir, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(dir)
		if err == nil {
			return &workplace{dir, lock}, os.Chmod(dir, 0o755)
		}
		if !errors.Is(err, errTaken) {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
}

// errTaken says that a workplace belongs to another process, or that one that
// took it for abandoned, in the moment before it was locked, has removed it.
var errTaken = errors.New("taken")

// lockDir locks a directory for the life of this process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errTaken
	}
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errTaken
	}
	if _, statErr := os.Stat(dir); err == nil && statErr != nil {
		err = errTaken
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeAbandoned removes the workplaces that nobody holds. One that cannot be
// removed only takes up space, so errors do not matter.
func removeAbandoned(pattern string) {
	found, _ := filepath.Glob(pattern)
	for _, dir := range found {
		if lock, err := lockDir(dir); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
}

// publish moves the finished set to its target. If there is a set by now, the
// error is fs.ErrExist.
func (w *workplace) publish(target string) error {
	err := os.Rename(w.dir, target)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%s: %w and is not empty", target, fs.ErrExist)
	}
	return err
}

// discard removes what has not been published.
func (w *workplace) discard() {
	os.RemoveAll(w.dir)
	w.lock.Close()
}
