package baseline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lensbench/record"
)

// List returns what the store holds, by machine and then by age of the runs. A
// baseline that cannot be read is part of the error, and the others are listed
// all the same. A store that does not exist is empty.
func (s Store) List() ([]Saved, error) {
	paths, err := filepath.Glob(filepath.Join(globEscape(s.Dir), "*", "*", record.RunFile))
	if err != nil {
		return nil, err
	}
	var list []Saved
	var problems []error
	for _, path := range paths {
		dir := filepath.Dir(path)
		if strings.HasPrefix(filepath.Base(dir), ".") {
			continue // being written, or left by a save that was killed
		}
		saved, err := read(dir)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, saved)
	}
	slices.SortFunc(list, func(a, b Saved) int {
		if c := strings.Compare(a.Machine, b.Machine); c != 0 {
			return c
		}
		return a.Run.Started.Compare(b.Run.Started)
	})
	return list, errors.Join(problems...)
}

// globEscape makes a path match itself alone.
func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func read(dir string) (Saved, error) {
	run, entries, err := load(dir)
	if err != nil {
		return Saved{}, err
	}
	info, err := os.Stat(filepath.Join(dir, record.RunFile))
	if err != nil {
		return Saved{}, err
	}
	return Saved{
		Name:     filepath.Base(dir),
		Machine:  filepath.Base(filepath.Dir(dir)),
		Dir:      dir,
		Run:      run,
		SavedAt:  info.ModTime(),
		Finished: finished(entries),
	}, nil
}

// ErrNoBaseline means that the store has no baseline of a name.
var ErrNoBaseline = errors.New("no such baseline")

// Find returns the baseline of a name, which may be qualified by a machine ID
// as in 1a2b3c4d/nightly and must be if several machines have one.
func (s Store) Find(name string) (Saved, error) {
	machine, base, qualified := strings.Cut(name, "/")
	if !qualified {
		machine, base = "*", name
	}
	if !validName.MatchString(base) || qualified && !validName.MatchString(machine) {
		return Saved{}, fmt.Errorf("%w: %s", ErrNoBaseline, name)
	}
	dirs, err := filepath.Glob(filepath.Join(globEscape(s.Dir), machine, base))
	switch {
	case err != nil:
		return Saved{}, err
	case len(dirs) == 0:
		return Saved{}, fmt.Errorf("%w: %s in %s", ErrNoBaseline, name, s.Dir)
	case len(dirs) > 1:
		return Saved{}, fmt.Errorf("baseline %s: %d machines have one; name one of them: %s", name, len(dirs), qualifiedNames(dirs))
	}
	return read(dirs[0])
}

func qualifiedNames(dirs []string) string {
	var names []string
	for _, dir := range dirs {
		names = append(names, filepath.Base(filepath.Dir(dir))+"/"+filepath.Base(dir))
	}
	return strings.Join(names, ", ")
}
