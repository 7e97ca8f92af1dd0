package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"lensbench/system/atomic"
	"lensbench/system/trained"
)

// Names of the other files in a run's directory.
const (
	JournalName = "metrics.jsonl"
	lockName    = ".lock"
)

// A directory is the directory of a run, which this process alone uses.
type directory struct {
	path string
	lock *os.File
}

// A Holder is a process that trains in a directory.
type Holder struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Command []string  `json:"command"`
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d, %q, since %s", h.PID, strings.Join(h.Command, " "), h.Started.Local().Format("15:04:05"))
}

// openDirectory makes the directory if it is not there and locks it for the life
// of this process. What a killed process was writing is removed.
func openDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write to %s: %w", path, err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		defer lock.Close()
		return nil, fmt.Errorf("%s: is in use by another training run: %v", path, readHolder(lock))
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: lock: %w", path, err)
	}
	d := &directory{path, lock}
	d.announce(Holder{os.Getpid(), now(), os.Args})
	for _, name := range atomic.Leftovers(path) {
		os.Remove(name) // one that stays only takes up space
	}
	return d, nil
}

// announce writes who holds the lock. It is for people; the lock is flock's.
func (d *directory) announce(h Holder) {
	if d.lock.Truncate(0) == nil {
		d.lock.WriteAt(append(mustJSON(h), '\n'), 0)
	}
}

func readHolder(f *os.File) (h Holder) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<16))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return Holder{}
	}
	return h
}

func (d *directory) close() {
	d.lock.Truncate(0)
	d.lock.Close()
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// complete says whether there is a trained network in the directory.
func (d *directory) complete() bool {
	_, err := os.Stat(d.file(trained.ManifestName))
	return err == nil
}

// mustBeFree returns an error if there is a run in the directory already.
func (d *directory) mustBeFree() error {
	if d.complete() {
		return fmt.Errorf("%s: holds a trained network; remove it or choose another directory or name", d.path)
	}
	if _, err := os.Stat(d.file(LastName)); err != nil {
		return nil
	}
	where := ""
	if s, err := Peek(d.file(LastName)); err == nil {
		where = fmt.Sprintf(", %s at %s", s.Settings.Model, s.Where())
	}
	return fmt.Errorf("%s: holds a training run%s; go on with --resume, or choose another directory or name", d.path, where)
}

// checkSpace returns an error if three checkpoints of that size do not fit: last
// and best, and the next while it is written. Those that are there count.
func (d *directory) checkSpace(checkpoint int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(d.path, &fs); err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	need := 3 * checkpoint
	for _, name := range Checkpoints {
		if info, err := os.Stat(d.file(name)); err == nil {
			need -= info.Size()
		}
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < need {
		return fmt.Errorf("%s: checkpoints need another %s there, %s are free", d.path, humanize.IBytes(uint64(need)), humanize.IBytes(uint64(max(free, 0))))
	}
	return nil
}
