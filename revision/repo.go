package revision

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// A Repo is a git repository with a work tree.
type Repo struct {
	Dir string // root of the work tree, absolute
}

// A Commit is one of its commits.
type Commit struct {
	Hash    string // all 40 digits
	Subject string // first line of its message
}

// Short is the beginning of the hash.
func (c Commit) Short() string { return c.Hash[:min(12, len(c.Hash))] }

// Open finds the repository that dir lies in.
func Open(ctx context.Context, dir string) (Repo, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return Repo{}, errors.New("git is not there, which finds other revisions; install it with: apt-get install git")
	}
	root, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return Repo{}, fmt.Errorf("%s: not in a work tree of git: %w", dir, err)
	}
	return Repo{Dir: strings.TrimSpace(root)}, nil
}

// Commit finds the commit that a revision names.
func (r Repo) Commit(ctx context.Context, rev string) (Commit, error) {
	if rev == "" || strings.HasPrefix(rev, "-") {
		return Commit{}, fmt.Errorf("%q: not a revision; want a commit, branch or tag, such as HEAD~1", rev)
	}
	text, err := git(ctx, r.Dir, "log", "-1", "--format=%H %s", rev+"^{commit}", "--")
	if err != nil {
		return Commit{}, fmt.Errorf("%q: neither a program nor a revision of %s: %w", rev, r.Dir, err)
	}
	return parseCommit(text), nil
}

func parseCommit(line string) Commit {
	hash, subject, _ := strings.Cut(strings.TrimSpace(line), " ")
	return Commit{hash, subject}
}

// Between lists the commits after good up to bad, the oldest first, each a child of
// the one before: of a merge, what was merged comes as one.
func (r Repo) Between(ctx context.Context, good, bad Commit) ([]Commit, error) {
	if _, err := git(ctx, r.Dir, "merge-base", "--is-ancestor", good.Hash, bad.Hash); err != nil {
		return nil, fmt.Errorf("%s is no ancestor of %s: want a good revision and a later, bad one", good.Short(), bad.Short())
	}
	text, err := git(ctx, r.Dir, "log", "--reverse", "--first-parent", "--format=%H %s", good.Hash+".."+bad.Hash, "--")
	if err != nil {
		return nil, err
	}
	var out []Commit
	for line := range strings.Lines(text) {
		out = append(out, parseCommit(line))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s and %s are the same commit", good.Short(), bad.Short())
	}
	return out, nil
}

// Base is the commit that head and rev have in common, the merge base.
func (r Repo) Base(ctx context.Context, rev string) (Commit, error) {
	c, err := r.Commit(ctx, rev)
	if err != nil {
		return c, err
	}
	hash, err := git(ctx, r.Dir, "merge-base", "HEAD", c.Hash)
	if err != nil {
		return c, fmt.Errorf("%q has no commit in common with HEAD; a clone that is not deep enough lacks it: git fetch --unshallow", rev)
	}
	return r.Commit(ctx, strings.TrimSpace(hash))
}

// Changed lists the files that lens is made of and that differ from HEAD.
func (r Repo) Changed(ctx context.Context) ([]string, error) {
	text, err := git(ctx, r.Dir, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
	if err != nil {
		return nil, err
	}
	var out []string
	for entry := range strings.SplitSeq(text, "\x00") {
		if len(entry) > 3 && partOfLens(entry[3:]) {
			out = append(out, entry[3:])
		}
	}
	slices.Sort(out)
	return out, nil
}

// Sources identify what a build is made of.
type Sources struct {
	Lens string // hash of all that lens is made of, the compilers among it
	Shim string // of the C++ side alone
}

// Sources of a commit.
func (r Repo) Sources(ctx context.Context, c Commit) (Sources, error) {
	text, err := git(ctx, r.Dir, "ls-tree", "-r", "-z", "--full-tree", c.Hash)
	if err != nil {
		return Sources{}, err
	}
	tools := toolchain(ctx)
	lens, shim := sha256.New(), sha256.New()
	fmt.Fprintln(lens, tools)
	fmt.Fprintln(shim, tools)
	for entry := range strings.SplitSeq(text, "\x00") {
		_, file, ok := strings.Cut(entry, "\t")
		if !ok {
			continue
		}
		if partOfLens(file) {
			fmt.Fprintln(lens, entry)
		}
		if partOfShim(file) {
			fmt.Fprintln(shim, entry)
		}
	}
	return Sources{hex.EncodeToString(lens.Sum(nil)[:8]), hex.EncodeToString(shim.Sum(nil)[:8])}, nil
}

// harness are directories that lens takes nothing from. What is not listed counts, so
// that a file of a kind that nobody has thought of makes a build too many, and never
// an old one for new sources.
var harness = []string{"bench", "baseline", "claims", "doctor", "gate", "judge", "record", "replay", "report", "revision", "runner",
	"scenarios", "verdict", "traces", ".ci", ".github"}

// partOfLens says whether a file of the repository can change what lens is.
func partOfLens(file string) bool {
	top, _, inside := strings.Cut(file, "/")
	switch {
	case inside && slices.Contains(harness, top):
		return false
	case path.Ext(file) == ".md" || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/testdata/"):
		return false
	case file == "LICENSE" || strings.HasPrefix(file, "torch/shim/test/"):
		return false
	}
	return true
}

// partOfShim says whether it can change the C++ side.
func partOfShim(file string) bool {
	return partOfLens(file) && (file == "Makefile" || strings.HasPrefix(file, "torch/shim/") || strings.HasPrefix(file, "scripts/"))
}

// toolchain is what turns sources into programs: another compiler makes another
// program of the same.
func toolchain(ctx context.Context) string {
	cxx := os.Getenv("CXX")
	if cxx == "" {
		cxx = "g++"
	}
	var out strings.Builder
	for _, command := range [][]string{{"go", "version"}, {cxx, "--version"}} {
		text, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
		if err != nil {
			text = []byte("none") // the build will say what it lacks
		}
		line, _, _ := bytes.Cut(text, []byte{'\n'})
		fmt.Fprintf(&out, "%s\n", line)
	}
	for _, key := range []string{"LIBTORCH", "LIBTORCH_USE_PYTORCH", "CXXFLAGS", "GOFLAGS", "GOAMD64"} {
		fmt.Fprintf(&out, "%s=%s\n", key, os.Getenv(key))
	}
	return out.String()
}

// git runs git in a directory and returns what it prints. Variables that point it
// elsewhere, as hooks have them, are left out.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, plainEnv()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		if line == "" {
			line = err.Error()
		}
		return "", errors.New(strings.TrimPrefix(line, "fatal: "))
	}
	return string(out), nil
}

// plainEnv is the environment without what belongs to a git or make that started us.
func plainEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		for _, key := range []string{"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL="} {
			if strings.HasPrefix(kv, key) {
				return true
			}
		}
		return false
	})
}
