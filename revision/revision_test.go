package revision

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/record"
)

// repo is a repository whose lens is a script that Makefile copies, with a commit for
// every set of files.
func repo(t *testing.T, commits ...map[string]string) (Repo, []Commit) {
	t.Helper()
	dir := t.TempDir()
	r := Repo{Dir: dir}
	ctx := context.Background()
	must := func(args ...string) string {
		t.Helper()
		out, err := git(ctx, dir, append([]string{"-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	must("init", "--quiet", "--initial-branch=main")
	var out []Commit
	for _, files := range commits {
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		must("add", ".")
		must("commit", "--quiet", "--allow-empty", "-m", "change "+strings.Repeat("I", len(out)+1))
		c, err := r.Commit(ctx, "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return r, out
}

const makefile = `.PHONY: build
build:
	@mkdir -p bin build/shim
	@test -e bin/liblt.so.1 && echo "shim is there" || { echo "shim is made"; cp torch/shim/a.cpp bin/liblt.so.1; }
	@cp torch/shim/a.cpp build/shim/a.o
	cp system/lens.txt bin/lens
	@chmod +x bin/lens
`

func first() map[string]string {
	return map[string]string{"Makefile": makefile, "system/lens.txt": "one", "torch/shim/a.cpp": "c++", "README.md": "read", "bench/x.go": "x", ".gitignore": "/bin\n/build\n"}
}

func builder(t *testing.T, r Repo) (Builder, *[]string) {
	notes := &[]string{}
	return Builder{Repo: r, Cache: t.TempDir(), Note: func(s string) { *notes = append(*notes, s) }}, notes
}

func mustBuild(t *testing.T, b Builder, rev string) (record.Build, string) {
	t.Helper()
	out, err := b.Build(context.Background(), rev)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out.Program)
	if err != nil {
		t.Fatal(err)
	}
	return out, string(text)
}

// A revision is built as it was, once for the same sources, and leaves no work tree.
func TestBuild(t *testing.T) {
	r, commits := repo(t, first(), map[string]string{"README.md": "read more", "bench/x.go": "y", "system/x_test.go": "test"}, map[string]string{"system/lens.txt": "three"})
	if err := os.WriteFile(filepath.Join(r.Dir, "system/lens.txt"), []byte("not committed"), 0o666); err != nil {
		t.Fatal(err)
	}
	b, notes := builder(t, r)
	one, text := mustBuild(t, b, "HEAD~2")
	if text != "one" || one.Commit != commits[0].Hash || one.Subject != "change I" || !one.Built || one.Given != "HEAD~2" {
		t.Errorf("%q, %+v", text, one)
	}
	two, _ := mustBuild(t, b, "HEAD~1")
	if two.Program != one.Program || two.Commit != commits[1].Hash || len(*notes) != 1 {
		t.Errorf("documentation, the harness and tests alone changed: %s, then %s; %q", one.Program, two.Program, *notes)
	}
	three, text := mustBuild(t, b, commits[2].Hash[:9])
	if text != "three" || three.Sources == one.Sources {
		t.Errorf("%q, %+v", text, three)
	}
	log, err := os.ReadFile(filepath.Join(b.Cache, "builds", three.Sources+".log"))
	if err != nil || !strings.Contains(string(log), "shim is there") {
		t.Errorf("the C++ side was not taken from the build before: %s, %v", log, err)
	}
	if trees, _ := filepath.Glob(filepath.Join(b.Cache, "builds", "*.tree")); len(trees) > 0 {
		t.Errorf("left behind: %v", trees)
	}
	list, err := git(context.Background(), r.Dir, "worktree", "list")
	if err != nil || strings.Count(list, "\n") != 1 {
		t.Errorf("%s, %v", list, err)
	}
	changed, err := r.Changed(context.Background())
	if err != nil || !slices.Equal(changed, []string{"system/lens.txt"}) {
		t.Errorf("changed: %v, %v", changed, err)
	}
}

// What is kept is built again where it is not what was built.
func TestATamperedBuild(t *testing.T) {
	r, _ := repo(t, first())
	b, notes := builder(t, r)
	one, _ := mustBuild(t, b, "HEAD")
	if err := os.WriteFile(one.Program, []byte("another"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, text := mustBuild(t, b, "HEAD"); text != "one" {
		t.Errorf("runs %q", text)
	}
	if !slices.ContainsFunc(*notes, func(s string) bool {
		return strings.HasSuffix(s, "bin/lens is not what was built; it is built again")
	}) {
		t.Errorf("%q", *notes)
	}
}

// A killed build leaves a work tree behind, which does not stop the next.
func TestAKilledBuild(t *testing.T) {
	r, commits := repo(t, first())
	b, _ := builder(t, r)
	sources, err := r.Sources(context.Background(), commits[0])
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(b.Cache, "builds", sources.Lens+".tree")
	if _, err := git(context.Background(), r.Dir, "worktree", "add", "--quiet", "--detach", tree, "HEAD"); err != nil {
		t.Fatal(err)
	}
	if _, text := mustBuild(t, b, "HEAD"); text != "one" {
		t.Errorf("%q", text)
	}
}

func TestBuildsThatFail(t *testing.T) {
	broken := first()
	broken["Makefile"] = ".PHONY: build\nbuild:\n\t@for i in 1 2 3; do echo line $$i; done; exit 7\n"
	empty := first()
	empty["Makefile"] = "build:\n\t@true\n"
	r, _ := repo(t, broken, empty)
	b, _ := builder(t, r)
	_, err := b.Build(context.Background(), "HEAD~1")
	var failed *BuildError
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	for _, want := range []string{"HEAD~1: commit ", " does not build: make build: exit status 2; the end of ", ".log:\n", "  line 3\n", "Error 7"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: lacks %q", err, want)
		}
	}
	if _, err := b.Build(context.Background(), "HEAD"); err == nil || !strings.Contains(err.Error(), "leaves no bin/lens") {
		t.Errorf("%v", err)
	}
	for rev, want := range map[string]string{"nonsense": `"nonsense": neither a program nor a revision of `, "": `"": not a revision`, "--all": `"--all": not a revision`} {
		if _, err := b.Build(context.Background(), rev); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", rev, err)
		}
	}
	if trees, _ := filepath.Glob(filepath.Join(b.Cache, "builds", "*.tree")); len(trees) > 0 {
		t.Errorf("left behind: %v", trees)
	}
}

func TestBetween(t *testing.T) {
	r, c := repo(t, first(), nil, nil)
	ctx := context.Background()
	got, err := r.Between(ctx, c[0], c[2])
	if err != nil || !slices.Equal(got, c[1:]) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := r.Between(ctx, c[2], c[0]); err == nil || !strings.Contains(err.Error(), "is no ancestor of") {
		t.Errorf("backwards: %v", err)
	}
	if _, err := r.Between(ctx, c[1], c[1]); err == nil || !strings.Contains(err.Error(), "are the same commit") {
		t.Errorf("nothing: %v", err)
	}
	if base, err := r.Base(ctx, "HEAD~1"); err != nil || base != c[1] {
		t.Errorf("%v, %v", base, err)
	}
}

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lens")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o644: false, 0o755: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if b, ok := Program(path); ok != want || ok && b.Program != path {
			t.Errorf("mode %v: %+v, %v", mode, b, ok)
		}
	}
	if _, ok := Program(dir); ok {
		t.Error("a directory is a program")
	}
}

// Of what is left out of a build's name, nothing is part of lens: builds of one name
// would differ.
func TestLensIsMadeOf(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "lensbench/system/lens").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		dir, own := strings.CutPrefix(dep, "lensbench/")
		if own && !partOfLens(dir+"/x.go") {
			t.Errorf("lens is made of %s", dep)
		}
	}
	for file, want := range map[string]bool{"go.mod": true, "system/sky/ring.go": true, "torch/shim/call.cpp": true, "torch/shim/lt.map": true, "Makefile": true,
		"README.md": false, "system/sky/ring_test.go": false, "bench/main.go": false, "something.new": true, "torch/shim/test/shim_test.cpp": false} {
		if partOfLens(file) != want {
			t.Errorf("%s: part of lens: %v", file, !want)
		}
	}
}
