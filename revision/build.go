package revision

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lensbench/record"
)

// A Builder builds revisions.
type Builder struct {
	Repo  Repo
	Cache string       // directory that builds are kept in, absolute
	Note  func(string) // is told what takes time; nil: nobody
}

// A BuildError is a revision that does not build.
type BuildError struct {
	Rev     string // as the user named it
	Commit  Commit
	Command string
	Log     string // file with all that it said
	Tail    string // the last of that
	Err     error
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("%s: commit %s does not build: %s: %v; the end of %s:\n%s", e.Rev, e.Commit.Short(), e.Command, e.Err, e.Log, e.Tail)
}

func (e *BuildError) Unwrap() error { return e.Err }

// kept is what is written beside a build that is kept.
type kept struct {
	Commit  string            `json:"commit"`
	Sources Sources           `json:"sources"`
	Digests map[string]string `json:"digests"` // SHA-256 of the programs
}

// keptFile is written last: a directory that has it is whole.
const keptFile = "build.json"

// programs are what a build is wanted for. The second is absent where the repository
// has no C++ side.
var programs = []string{"bin/lens", "bin/liblt.so.1"}

// Build returns the lens of a revision, built now or before. Worker is for the caller
// to fill in.
func (b Builder) Build(ctx context.Context, rev string) (record.Build, error) {
	commit, err := b.Repo.Commit(ctx, rev)
	if err != nil {
		return record.Build{}, err
	}
	return b.BuildCommit(ctx, rev, commit)
}

// BuildCommit is Build of a commit that the user called rev.
func (b Builder) BuildCommit(ctx context.Context, rev string, commit Commit) (record.Build, error) {
	sources, err := b.Repo.Sources(ctx, commit)
	if err != nil {
		return record.Build{}, err
	}
	dir := filepath.Join(b.Cache, "builds", sources.Lens)
	out := record.Build{Given: rev, Program: filepath.Join(dir, programs[0]), Commit: commit.Hash, Subject: commit.Subject, Sources: sources.Lens, Built: true}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return out, err
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return out, err
	}
	defer unlock()
	whole, err := intact(dir)
	if err != nil {
		b.note(fmt.Sprintf("%s: %v; it is built again", dir, err))
	}
	if whole && err == nil {
		return out, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return out, err
	}
	b.note(fmt.Sprintf("building %s, commit %s: %s", rev, commit.Short(), commit.Subject))
	return out, b.make(ctx, rev, commit, sources, dir)
}

func (b Builder) note(text string) {
	if b.Note != nil {
		b.Note(text)
	}
}

// make builds in a work tree of its own, and moves what came of it to dir.
func (b Builder) make(ctx context.Context, rev string, commit Commit, sources Sources, dir string) error {
	tree := dir + ".tree"
	b.remove(tree) // of one that was killed
	if _, err := git(ctx, b.Repo.Dir, "worktree", "add", "--quiet", "--detach", "--force", tree, commit.Hash); err != nil {
		return fmt.Errorf("%s: work tree of commit %s: %w", rev, commit.Short(), err)
	}
	defer b.remove(tree)
	if err := b.seed(tree, sources.Shim); err != nil {
		return fmt.Errorf("%s: objects of an earlier build: %w", rev, err)
	}
	if err := run(ctx, rev, commit, tree, dir+".log"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(tree, programs[0])); err != nil {
		return fmt.Errorf("%s: make build of commit %s leaves no %s", rev, commit.Short(), programs[0])
	}
	digests, err := digestsOf(tree)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, name := range []string{"bin", "build"} {
		if err := os.Rename(filepath.Join(tree, name), filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	text, err := json.MarshalIndent(kept{commit.Hash, sources, digests}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, keptFile), append(text, '\n'), 0o666)
}

// remove takes a work tree away, also where git no longer knows it.
func (b Builder) remove(tree string) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute) // also if the caller's is over
	defer stop()
	git(ctx, b.Repo.Dir, "worktree", "remove", "--force", tree) // fails if there is none
	os.RemoveAll(tree)
	git(ctx, b.Repo.Dir, "worktree", "prune")
}

// run makes the build, and kills all of it if the context ends.
func run(ctx context.Context, rev string, commit Commit, tree, log string) error {
	f, err := os.Create(log)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.CommandContext(ctx, "make", "build")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = tree, plainEnv(), f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &BuildError{Rev: rev, Commit: commit, Command: "make build", Log: log, Tail: tail(log), Err: err}
	}
	return nil
}

// tail is the end of a log, in whole lines.
func tail(path string) string {
	const lines, most = 15, 4 << 10
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	text = bytes.TrimRight(text, "\n")
	if len(text) > most {
		text = text[len(text)-most:]
	}
	all := strings.Split(strings.ToValidUTF8(string(text), "?"), "\n")
	return "  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}

// seed copies the C++ side of a build that has the same sources into a work tree, so
// that make finds it done: of what is kept, or the user's own. Times are those of the
// copying, which is after the checkout; objects come before the library.
func (b Builder) seed(tree, shim string) error {
	donor := b.donor(shim)
	if donor == "" {
		return nil
	}
	for _, name := range []string{"build", "bin"} {
		if err := copyDir(filepath.Join(donor, name), filepath.Join(tree, name), name == "bin"); err != nil {
			return err
		}
	}
	return nil
}

// donor is a directory with build and bin of these sources, "" if there is none.
func (b Builder) donor(shim string) string {
	paths, _ := filepath.Glob(filepath.Join(b.Cache, "builds", "*", keptFile))
	for _, path := range paths {
		if k, err := readKept(path); err == nil && k.Sources.Shim == shim {
			if whole, err := intact(filepath.Dir(path)); whole && err == nil {
				return filepath.Dir(path)
			}
		}
	}
	return b.ownDonor(shim)
}

// ownDonor is the user's work tree, if its C++ side is what HEAD has and was built
// after it was last changed.
func (b Builder) ownDonor(shim string) string {
	ctx := context.Background()
	head, err := b.Repo.Commit(ctx, "HEAD")
	if err != nil {
		return ""
	}
	changed, err := b.Repo.Changed(ctx)
	if err != nil || slices.ContainsFunc(changed, partOfShim) {
		return ""
	}
	if s, err := b.Repo.Sources(ctx, head); err != nil || s.Shim != shim {
		return ""
	}
	if !newest(b.Repo.Dir) {
		return ""
	}
	return b.Repo.Dir
}

// newest says whether the library is younger than all of its sources.
func newest(dir string) bool {
	made, err := os.Stat(filepath.Join(dir, "bin/liblt.so.1"))
	if err != nil {
		return false
	}
	young := true
	filepath.WalkDir(filepath.Join(dir, "torch/shim"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err != nil || info.ModTime().After(made.ModTime()) {
			young = false
		}
		return nil
	})
	return young
}

// copyDir copies files and links; of bin only the libraries, since programs are made
// anew.
func copyDir(from, to string, libraries bool) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for _, e := range entries {
		a, b := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case libraries && !strings.HasPrefix(e.Name(), "liblt"):
			continue
		case e.IsDir():
			err = copyDir(a, b, false)
		case e.Type()&fs.ModeSymlink != 0:
			err = copyLink(a, b)
		default:
			err = copyFile(a, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyLink(from, to string) error {
	where, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(where, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// intact says whether dir holds a whole build. An error says how it is not what was
// built.
func intact(dir string) (bool, error) {
	k, err := readKept(filepath.Join(dir, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	now, err := digestsOf(dir)
	if err != nil {
		return false, err
	}
	for name, digest := range k.Digests {
		if now[name] != digest {
			return false, fmt.Errorf("%s is not what was built", name)
		}
	}
	return len(k.Digests) > 0, nil
}

func readKept(path string) (k kept, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(text, &k); err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// digestsOf are those of the programs that there are.
func digestsOf(dir string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range programs {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		out[name] = hex.EncodeToString(sum[:])
	}
	return out, nil
}

// lock waits until no other process builds the same.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Program is a build that the user names by its file; ok is false if that is no
// program.
func Program(path string) (b record.Build, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return b, false
	}
	abs, err := filepath.Abs(path)
	return record.Build{Given: path, Program: abs}, err == nil
}
