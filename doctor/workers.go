package doctor

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"lensbench/runner"
)

// answerLimit is for a worker's greeting: loading libtorch from a cold disk
// takes seconds.
const answerLimit = 60 * time.Second

func lens(ctx context.Context, o Options) []Finding {
	hello, err := runner.Greet(ctx, o.Workers["lens"], answerLimit)
	if err != nil {
		return []Finding{{Fatal, "lens", err.Error(), "make build"}}
	}
	return []Finding{{Fine, "lens", "answers; " + versions(hello.Libraries), ""}}
}

func pytorch(ctx context.Context, o Options) []Finding {
	hello, err := runner.Greet(ctx, o.Workers["pytorch"], answerLimit)
	if err != nil {
		return []Finding{{Missing, "PyTorch peer", "arms that compare with PyTorch are skipped", err.Error()}}
	}
	return []Finding{{Fine, "PyTorch peer", "answers; " + versions(hello.Libraries), ""}}
}

func versions(libraries map[string]string) string {
	var out []string
	for name, version := range libraries {
		out = append(out, name+" "+version)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// libtorch says which copy the shim was built against and will load.
func libtorch(_ context.Context, o Options) []Finding {
	dirs, err := runpath(o.Shim)
	if err != nil {
		return []Finding{{Fatal, "libtorch", fmt.Sprintf("%s: %v", o.Shim, err), "make build"}}
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), dirs...) {
		if _, err := os.Stat(filepath.Join(dir, "libtorch_cpu.so")); err == nil {
			return []Finding{{Fine, "libtorch", "found in " + dir, ""}}
		}
	}
	return []Finding{{Fatal, "libtorch", "not in " + strings.Join(dirs, ":") + ", where the shim looks",
		"make build fetches it again; or set LD_LIBRARY_PATH to a libtorch's lib directory"}}
}

// runpath returns the directories that a shared library looks in.
func runpath(library string) ([]string, error) {
	f, err := elf.Open(library)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := f.DynString(tag)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			dirs = append(dirs, filepath.SplitList(v)...)
		}
	}
	return dirs, nil
}

// tools are needed to build, not to run.
func tools(context.Context, Options) []Finding {
	var found, missing []string
	for _, name := range []string{"go", "g++", "make", "python3"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		} else {
			found = append(found, name)
		}
	}
	if len(missing) > 0 {
		return []Finding{{Missing, "build tools", "not on PATH: " + strings.Join(missing, ", ") + "; needed to build, not to run",
			"sh scripts/need.sh says how to get them"}}
	}
	return []Finding{{Fine, "build tools", strings.Join(found, ", "), ""}}
}
