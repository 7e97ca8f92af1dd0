package scenarios

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lensbench/nearest"
)

//go:embed *.yaml
var files embed.FS

// Suites are the names that a scenario's suites may hold, the shortest first.
func Suites() []string {
	f, _ := find(fieldsOf(documentType), "suites")
	return f.Enum
}

// SuiteLimit returns how long a suite may take on two cores; none for one that may take
// as long as it does.
func SuiteLimit(suite string) (time.Duration, bool) {
	limit, ok := map[string]time.Duration{"quick": 10 * time.Minute, "nightly": time.Hour, "full": 4 * time.Hour}[suite]
	return limit, ok
}

// Embedded returns the scenarios that come with bench, by name.
func Embedded() ([]Scenario, error) { return loadFS(files) }

// loadFS reads all scenarios of a directory.
func loadFS(dir fs.FS) ([]Scenario, error) {
	paths, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	return load(paths, func(path string) ([]byte, error) { return fs.ReadFile(dir, path) })
}

// Load reads scenario files; a directory stands for the .yaml and .yml files in
// it. The error is Problems if files can be read and are wrong: the problems
// of all of them, those of a name that two files have included.
func Load(paths ...string) ([]Scenario, error) {
	var all []string
	for _, path := range paths {
		inside, err := expandDir(path)
		if err != nil {
			return nil, err
		}
		all = append(all, inside...)
	}
	return load(all, readLimited)
}

// expandDir returns the scenario files of a directory, or the path itself.
func expandDir(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	var out []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			out = append(out, filepath.Join(path, e.Name()))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no scenario files (*.yaml) in this directory", path)
	}
	return out, nil
}

// readLimited reads a file, but no more of it than it takes to see that it is
// too long.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, sizeLimit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	return data, nil
}

// reason strips the path that package os puts in front of an error, since the
// messages here begin with it.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func load(paths []string, read func(string) ([]byte, error)) ([]Scenario, error) {
	var out []Scenario
	var all Problems
	for _, path := range paths {
		data, err := read(path)
		if err != nil {
			return nil, err
		}
		s, err := Parse(path, data)
		var ps Problems
		if errors.As(err, &ps) {
			all = append(all, ps...)
			continue
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b Scenario) int { return cmp.Compare(a.Name, b.Name) })
	all = append(all, twins(out)...)
	return out, all.err()
}

// twins reports scenarios of the same name; out is ordered by name.
func twins(all []Scenario) Problems {
	var ps Problems
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Name == b.Name {
			ps = append(ps, Problem{File: b.File, Line: b.named.Line, Column: b.named.Column, Text: b.Name,
				Wrong: "a second scenario of this name; the first is " + a.File, Want: "one file per name"})
		}
	}
	return ps
}

// Names lists the names of scenarios.
func Names(all []Scenario) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = s.Name
	}
	return out
}

// Select returns the scenarios of those names, in that order. An unknown name
// is an error with the nearest one.
func Select(all []Scenario, names ...string) ([]Scenario, error) {
	var out []Scenario
	for _, n := range names {
		i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == n })
		if i < 0 {
			return nil, notKnown("scenario", n, Names(all))
		}
		if !slices.ContainsFunc(out, func(s Scenario) bool { return s.Name == n }) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// InSuite returns the scenarios of a suite. An unknown suite is an error with
// the nearest one.
func InSuite(all []Scenario, suite string) ([]Scenario, error) {
	if !slices.Contains(Suites(), suite) {
		return nil, notKnown("suite", suite, Suites())
	}
	var out []Scenario
	for _, s := range all {
		if slices.Contains(s.Suites, suite) {
			out = append(out, s)
		}
	}
	return out, nil
}

func notKnown(what, word string, names []string) error {
	text := fmt.Sprintf("%q: no such %s; want %s", word, what, oneOf(names))
	if near := nearest.Name(word, names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return errors.New(text)
}
