package baseline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"lensbench/record"
)

// ResultsFile is the .bench file of a stored run.
const ResultsFile = "results.bench"

// A Store is a directory of saved runs, by machine.
type Store struct{ Dir string }

// DefaultStore is $LENSBENCH_BASELINES, or baselines below the current
// directory: like runs, baselines belong to a project, and unlike the cache
// they cannot be made again.
func DefaultStore() Store {
	if dir := os.Getenv("LENSBENCH_BASELINES"); dir != "" {
		return Store{dir}
	}
	return Store{"baselines"}
}

// A Saved is a run in a store.
type Saved struct {
	Name     string
	Machine  string // ID of the machine
	Dir      string
	Run      record.Run
	SavedAt  time.Time
	Finished bool // the run's journal says that it is complete
}

// Qualified is the name that is unique in a store.
func (s Saved) Qualified() string { return s.Machine + "/" + s.Name }

// ErrExists means that a name is taken.
var ErrExists = errors.New("baseline exists")

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// Save copies the run in dir into the store under name, or its ID if name is
// empty. The copy appears complete or not at all, and never in the place of
// another: the error is then ErrExists.
func (s Store) Save(dir, name string) (Saved, error) {
	run, entries, err := load(dir)
	if err != nil {
		return Saved{}, err
	}
	if name == "" {
		name = run.ID
	}
	if !validName.MatchString(name) {
		return Saved{}, fmt.Errorf("baseline name %q: want letters, digits and . _ + -, a letter or digit first", name)
	}
	if !slices.ContainsFunc(entries, func(e record.Entry) bool { return e.Kind == record.KindBlock }) {
		return Saved{}, fmt.Errorf("run %s has no finished block; there is nothing to save", dir)
	}
	saved := Saved{
		Name:     name,
		Machine:  run.Machine.ID(),
		Dir:      filepath.Join(s.Dir, run.Machine.ID(), name),
		Run:      run,
		SavedAt:  time.Now(),
		Finished: finished(entries),
	}
	if err := saved.write(dir, entries); err != nil {
		return Saved{}, fmt.Errorf("save %s as baseline %s: %w", dir, name, err)
	}
	return saved, nil
}

func load(dir string) (record.Run, []record.Entry, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return run, nil, err
	}
	entries, _, err := record.ReadJournal(dir)
	return run, entries, err
}

func finished(entries []record.Entry) bool {
	return slices.ContainsFunc(entries, func(e record.Entry) bool { return e.Kind == record.KindEnd })
}

// write makes the copy beside its place and renames it. Renaming a directory
// onto another fails unless that is empty, which a baseline never is.
func (s Saved) write(from string, entries []record.Entry) error {
	parent := filepath.Dir(s.Dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // does nothing once renamed
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := s.fill(tmp, from, entries); err != nil {
		return err
	}
	err = os.Rename(tmp, s.Dir)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s; choose another name or remove that directory", ErrExists, s.Dir)
	}
	if err != nil {
		return err
	}
	return syncDir(parent)
}

func (s Saved) fill(tmp, from string, entries []record.Entry) error {
	for _, name := range []string{record.RunFile, record.JournalFile, record.VerdictsFile} {
		err := copyFile(filepath.Join(tmp, name), filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) && name == record.VerdictsFile {
			continue // not judged yet; the journal is the truth
		}
		if err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(tmp, ResultsFile), func(w io.Writer) error { return WriteBench(w, s.Run, entries) })
}

func copyFile(to, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

func writeFile(path string, fill func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
