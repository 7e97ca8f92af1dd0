package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"lensbench/record"
	"lensbench/runner"
)

// Environment variables that move things; README and doctor name them.
const (
	envRuns   = "LENSBENCH_RUNS"   // directory of runs
	envLens   = "LENSBENCH_LENS"   // the program lens
	envPeer   = "LENSBENCH_PEER"   // pytorch_worker.py
	envPython = "LENSBENCH_PYTHON" // interpreter for it
)

// runsDir is where runs are written unless --runs says otherwise.
func runsDir() string { return fromEnv(envRuns, "runs") }

// workers says how to start the workers that arms may name. They lie beside
// this executable, where make build puts them.
func workers() (map[string]runner.Command, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("where this program lies: %w", err)
	}
	beside := func(file string) string { return filepath.Join(filepath.Dir(self), file) }
	return map[string]runner.Command{
		"lens": {
			Argv:    []string{fromEnv(envLens, beside("lens")), "worker"},
			Install: "build it with: make build",
		},
		"pytorch": {
			Argv:    []string{fromEnv(envPython, "python3"), fromEnv(envPeer, beside("pytorch_worker.py"))},
			Install: "install it with: apt-get install python3 python3-pip; or name an interpreter with " + envPython,

			Optional: true,
		},
	}, nil
}

func fromEnv(key, otherwise string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return otherwise
}

// lensThere refuses to begin a run whose every arm would fail.
func lensThere(cells []record.Cell, all map[string]runner.Command) error {
	for _, c := range cells {
		for _, a := range c.Arms {
			program := all["lens"].Argv[0]
			if a.Worker != "lens" {
				continue
			}
			if _, err := exec.LookPath(program); err != nil {
				return fmt.Errorf("%s: %w; %s, or name it with %s", program, reason(err), all["lens"].Install, envLens)
			}
			return nil
		}
	}
	return nil
}

// latest names the latest run.
const latest = "latest"

// findRun returns the directory of a run, which is named by its directory, by
// its ID below runs, or by a part of the ID that is its alone. No name, and
// "latest", is the latest run.
func findRun(runs, name string) (string, error) {
	if name != "" && isRun(name) {
		return filepath.Clean(name), nil
	}
	ids, err := runIDs(runs)
	if err != nil {
		return "", err
	}
	if name == "" || name == latest {
		if len(ids) == 0 {
			return "", fmt.Errorf("%s: no runs in this directory; make one with: bench run --suite quick", runs)
		}
		return filepath.Join(runs, ids[len(ids)-1]), nil
	}
	var match []string
	for _, id := range ids {
		if id == name {
			return filepath.Join(runs, id), nil
		}
		if strings.Contains(id, name) {
			match = append(match, id)
		}
	}
	switch len(match) {
	case 0:
		return "", fmt.Errorf("%q: no such run: neither a directory with %s nor one of the %d runs in %s", name, record.RunFile, len(ids), runs)
	case 1:
		return filepath.Join(runs, match[0]), nil
	}
	return "", fmt.Errorf("%q: %d runs in %s are called so; write more of the name, for example %s", name, len(match), runs, match[len(match)-1])
}

func isRun(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, record.RunFile))
	return err == nil && info.Mode().IsRegular()
}

// runIDs lists the runs of a directory, the oldest first. A directory that is
// not there has none. Hidden ones were killed before they had their name.
func runIDs(runs string) ([]string, error) {
	entries, err := os.ReadDir(runs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", runs, reason(err))
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && isRun(filepath.Join(runs, e.Name())) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// reason strips what package os puts in front of an error, since the messages
// here begin with the path.
func reason(err error) error {
	var pe *fs.PathError
	var ee *exec.Error
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &ee):
		return ee.Err
	}
	return err
}
