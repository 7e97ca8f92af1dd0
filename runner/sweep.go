package runner

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// sweep kills the processes that carry the mark in their environment: children
// of a worker that left its process group. Daemons do; so do some launchers.
func sweep(mark string) {
	for _, pid := range marked(mark) {
		if unix.Kill(pid, unix.SIGKILL) == nil {
			reap(pid)
		}
	}
}

// reap waits for a killed process to be gone, if it is ours to wait for.
func reap(pid int) {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); got == pid || err == unix.ECHILD {
			return
		}
	}
}

// marked lists the processes whose environment has the mark. Processes of
// other users cannot be read, and cannot be ours.
func marked(mark string) []int {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	want := []byte(markKey + "=" + mark)
	var pids []int
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err != nil || !hasEntry(env, want) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hasEntry says whether the NUL-separated environment has the entry.
func hasEntry(env, want []byte) bool {
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(kv, want) {
			return true
		}
	}
	return false
}
