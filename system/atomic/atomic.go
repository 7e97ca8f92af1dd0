// Package atomic writes files that appear complete or not at all: beside their
// final place, under another name, and then renamed. A process that is killed may
// leave the other name behind: see [Leftovers].
package atomic

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// WriteFile makes the file at path hold what write writes. Every error names
// path, and then what was there before is still there.
func WriteFile(path string, write func(w io.Writer) error) error {
	return writeFile(path, write, false)
}

// WriteFileSync is WriteFile that returns when file and name are on the disk: not
// even a machine that loses its power then loses the file, or finds half of it.
func WriteFileSync(path string, write func(w io.Writer) error) error {
	if err := writeFile(path, write, true); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir returns when the names in a directory are on the disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Leftovers returns the files in a directory that processes were writing when
// they were killed, and those that others are writing now.
func Leftovers(dir string) []string {
	var found []string
	entries, _ := os.ReadDir(dir) // without a directory there is nothing left in it
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found
}

// prefix begins the names of files that are not complete.
const prefix = ".new-"

func writeFile(path string, write func(w io.Writer) error, sync bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), prefix)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer os.Remove(f.Name()) // a no-op once it has been renamed
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
