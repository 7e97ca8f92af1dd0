package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// What the quick suite needs, with room to spare: the ensemble's three networks
// in processes of their own, and simulated images with a journal.
const (
	wantMemory = 4 << 30
	wantDisk   = 1 << 30
)

func memory(context.Context, Options) []Finding {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil // quiet says so
	}
	m, err := fs.Meminfo()
	if err != nil || m.MemAvailableBytes == nil {
		return []Finding{{Warning, "memory", "the kernel does not say how much is available", ""}}
	}
	return []Finding{available(*m.MemAvailableBytes)}
}

func available(bytes uint64) Finding {
	says := humanize.IBytes(bytes) + " available"
	if bytes < wantMemory {
		return Finding{Warning, "memory", says + "; the quick suite wants " + humanize.IBytes(wantMemory),
			"end programs that hold memory, or leave out ensemble-parallel"}
	}
	return Finding{Fine, "memory", says, ""}
}

func disks(_ context.Context, o Options) []Finding {
	return []Finding{disk("cache", o.Cache, "set LENSBENCH_CACHE to another directory"),
		disk("runs", o.Runs, "give another directory with --runs or LENSBENCH_RUNS")}
}

// disk looks at a directory, or at the nearest one above it that exists.
func disk(subject, path, fix string) Finding {
	dir := path
	info, err := os.Stat(dir)
	for err != nil && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		info, err = os.Stat(dir)
	}
	if err != nil || !info.IsDir() {
		return Finding{Fatal, subject, fmt.Sprintf("%s: %s is not a directory", path, dir), fix}
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return Finding{Fatal, subject, fmt.Sprintf("%s: cannot write to %s: %v", path, dir, err), fix}
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Finding{Fatal, subject, fmt.Sprintf("%s: %v", dir, err), fix}
	}
	return room(subject, path, st.Bavail*uint64(st.Bsize), fix)
}

func room(subject, path string, bytes uint64, fix string) Finding {
	says := fmt.Sprintf("%s, %s free", path, humanize.IBytes(bytes))
	if bytes < wantDisk {
		return Finding{Warning, subject, says + "; " + humanize.IBytes(wantDisk) + " is wanted", fix}
	}
	return Finding{Fine, subject, says, ""}
}
