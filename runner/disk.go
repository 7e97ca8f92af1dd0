package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"lensbench/record"
)

// checkDisk refuses a run whose journal, or whose images, clearly cannot fit.
func checkDisk(cells []record.Cell, opts Options) error {
	if err := checkFree("the journal", opts.Runs, journalBytes(cells)); err != nil {
		return err
	}
	return checkFree("the simulated images", opts.Cache, imageBytes(cells))
}

func checkFree(what, dir string, need int64) error {
	free, known := freeBytes(dir)
	if known && need > free && need > free+held(dir) {
		return fmt.Errorf("%s: %s may need %s, and %s are free", dir, what, humanize.IBytes(uint64(need)), humanize.IBytes(uint64(free)))
	}
	return nil
}

// freeBytes is what can still be written below dir, which may not exist yet.
func freeBytes(dir string) (int64, bool) {
	var fs unix.Statfs_t
	err := unix.Statfs(dir, &fs)
	for errors.Is(err, unix.ENOENT) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		err = unix.Statfs(dir, &fs)
	}
	return int64(fs.Bavail) * fs.Bsize, err == nil
}

// held is what dir holds already; what is needed may be among it.
func held(dir string) int64 {
	var n int64
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // unreadable: counts as nothing
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// journalBytes is about what the journal will take: 600 bytes a sample, and 20
// for each of some ten iterations.
func journalBytes(cells []record.Cell) int64 {
	var n int64
	for _, c := range cells {
		n += int64(c.Plan.Restarts) * int64(len(c.Arms)) * (2000 + int64(c.Plan.Blocks)*800)
	}
	return n
}

// imageBytes is what the images of the largest survey take as float32.
func imageBytes(cells []record.Cell) int64 {
	var most int64
	for _, c := range cells {
		for _, a := range c.Arms {
			s := a.Settings
			most = max(most, 4*int64(s.Images)*int64(max(s.Bands, 1))*int64(s.Pixels)*int64(s.Pixels))
		}
	}
	return most
}
