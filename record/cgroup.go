package record

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A controller is a cgroup controller that limits this process: where it is
// mounted, and this process's group below that.
type controller struct {
	mount string
	group string
	v2    bool
}

// controllers finds the groups of this process that may limit the resource
// ("cpu" or "memory"): that of version 1's hierarchy, and the unified one.
func (h Host) controllers(resource string) []controller {
	var out []controller
	for line := range strings.Lines(h.read("proc/self/cgroup")) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[1] == "" {
			out = append(out, controller{"sys/fs/cgroup", f[2], true})
		}
		for name := range strings.SplitSeq(f[1], ",") {
			if name == resource {
				out = append(out, controller{filepath.Join("sys/fs/cgroup", f[1]), f[2], false})
			}
		}
	}
	return out
}

// groups lists the group and its ancestors: the tightest limit on the way to
// the root is the one that holds. A container often sees its own group as the
// root of the mount, under a name that does not exist there; the walk reaches
// that root.
func (c controller) groups() []string {
	var out []string
	for g := filepath.Join("/", c.group); ; g = filepath.Dir(g) {
		out = append(out, filepath.Join(c.mount, g))
		if g == "/" {
			return out
		}
	}
}

// memoryLimit is the smallest limit on this process's memory in bytes, or the
// largest integer.
func (h Host) memoryLimit() int64 {
	limit := int64(math.MaxInt64)
	for _, c := range h.controllers("memory") {
		file := "memory.limit_in_bytes"
		if c.v2 {
			file = "memory.max"
		}
		for _, g := range c.groups() {
			if n, err := strconv.ParseInt(h.read(g, file), 10, 64); err == nil && n > 0 {
				limit = min(limit, n)
			}
		}
	}
	return limit
}

// cpuLimit is the number of cores that the cgroup's quota pays for, rounded
// up, or the largest integer.
func (h Host) cpuLimit() int {
	limit := math.MaxInt
	for _, c := range h.controllers("cpu") {
		for _, g := range c.groups() {
			quota, period := h.quota(c, g)
			if quota > 0 && period > 0 {
				limit = min(limit, int(math.Ceil(quota/period)))
			}
		}
	}
	return limit
}

// quota returns microseconds of CPU time per period, 0 if unlimited.
func (h Host) quota(c controller, group string) (quota, period float64) {
	text := h.read(group, "cpu.max")
	if !c.v2 {
		text = h.read(group, "cpu.cfs_quota_us") + " " + h.read(group, "cpu.cfs_period_us")
	}
	f := strings.Fields(text)
	if len(f) != 2 {
		return 0, 0
	}
	quota, _ = strconv.ParseFloat(f[0], 64) // "max" and -1 both mean none
	period, _ = strconv.ParseFloat(f[1], 64)
	return quota, period
}

// container names the kind of container that this process runs in, "" if none
// shows itself.
func (h Host) container() string {
	exists := func(name string) bool { _, err := os.Stat(h.path(name)); return err == nil }
	switch {
	case os.Getenv("KUBERNETES_SERVICE_HOST") != "":
		return "kubernetes"
	case exists("run/.containerenv"):
		return "podman"
	case exists(".dockerenv"):
		return "docker"
	}
	if kind := h.read("run/systemd/container"); kind != "" {
		return kind
	}
	groups := h.read("proc/self/cgroup")
	for _, kind := range []string{"kubepods", "docker", "lxc", "slurm"} {
		if strings.Contains(groups, "/"+kind) {
			return kind
		}
	}
	return ""
}
