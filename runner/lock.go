package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lensbench/runner/progress"
)

// A Holder is a run that uses this machine.
type Holder struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Dir     string    `json:"dir"`     // of the run
	Command []string  `json:"command"` // of the process
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another run"
	}
	return fmt.Sprintf("process %d, %q in %s, since %s",
		h.PID, strings.Join(h.Command, " "), h.Dir, h.Started.Local().Format("15:04:05"))
}

// A machineLock keeps other runs off this machine. The kernel lets go of it
// when its process ends, however that ends.
type machineLock struct{ f *os.File }

// LockPath is the file that runs on this machine lock.
func LockPath() string { return filepath.Join(os.TempDir(), "lensbench.lock") }

// lockMachine takes the lock of this machine, or fails with *Busy. If wait is
// set it waits instead, and says so once.
func lockMachine(ctx context.Context, wait bool, sink progress.Sink) (*machineLock, error) {
	const pause = 500 * time.Millisecond // each try wakes a core that the other run may be using
	for told := false; ; told = true {
		l, err := tryLock(LockPath())
		var busy *Busy
		if !errors.As(err, &busy) || !wait {
			return l, err
		}
		if !told {
			sink.Note(fmt.Sprintf("waiting: %v", busy))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func tryLock(path string) (*machineLock, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, fmt.Errorf("lock of this machine: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		defer f.Close()
		return nil, &Busy{Lock: path, Holder: readHolder(f)}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock of this machine: flock %s: %w", path, err)
	}
	return &machineLock{f}, nil
}

// openLock opens the file, which every user must be able to lock. Opening for
// writing without creating comes first: in a world-writable directory kernels
// refuse to "create" another user's file. Reading is enough to lock.
func openLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o666)
		if err == nil {
			f.Chmod(0o666) // past the umask
		}
		if errors.Is(err, fs.ErrExist) {
			return openLock(path) // another run was faster
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	}
	return f, err
}

// announce writes who holds the lock. It is for people; the lock is flock's.
func (l *machineLock) announce(h Holder) {
	b, err := json.Marshal(h)
	if err == nil && l.f.Truncate(0) == nil {
		l.f.WriteAt(append(b, '\n'), 0)
	}
}

func readHolder(f *os.File) Holder {
	var h Holder
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<16))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return Holder{}
	}
	return h
}

// currentHolder is whoever says to hold the lock of this machine.
func currentHolder() Holder {
	f, err := os.Open(LockPath())
	if err != nil {
		return Holder{}
	}
	defer f.Close()
	return readHolder(f)
}

func (l *machineLock) release() {
	l.f.Truncate(0)
	l.f.Close()
}
