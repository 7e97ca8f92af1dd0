package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/procfs"
)

// Shares of the machine from which on somebody else's work is worth a warning.
const (
	busyShare  = 0.05 // as for noisy samples
	stealShare = 0.01
)

// A usage is CPU time between two looks.
type usage struct {
	window float64 // s × cores
	steal  float64 // s taken by the hypervisor
	top    []eater // largest first
}

// An eater is a process that used CPU time.
type eater struct {
	pid  int
	name string
	cpu  float64 // s
}

func quiet(ctx context.Context, o Options) []Finding {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return []Finding{{Fatal, "load", err.Error(), "mount /proc"}}
	}
	before, stolen := cpuTimes(fs), steal(fs)
	start := time.Now()
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(o.Watch):
	}
	u := usage{window: time.Since(start).Seconds() * float64(runtime.NumCPU()), steal: steal(fs) - stolen}
	for pid, now := range cpuTimes(fs) {
		if then, ok := before[pid]; ok && pid != os.Getpid() && now.cpu > then.cpu {
			u.top = append(u.top, eater{pid, now.name, now.cpu - then.cpu})
		}
	}
	slices.SortFunc(u.top, func(a, b eater) int { return cmp.Or(cmp.Compare(b.cpu, a.cpu), cmp.Compare(a.pid, b.pid)) })
	return u.findings()
}

func (u usage) findings() []Finding {
	load := Finding{Fine, "load", "nothing else is using the processor", ""}
	total := 0.0
	for _, e := range u.top {
		total += e.cpu
	}
	if total > busyShare*u.window {
		worst := u.top[0]
		load = Finding{Warning, "load", fmt.Sprintf("other processes use %.0f %% of the machine, most of it %s (process %d)",
			100*total/u.window, worst.name, worst.pid), "end it, or wait for it; noisy samples are counted in every report"}
	}
	hypervisor := Finding{Fine, "steal", "none in the last moment", ""}
	if u.steal > stealShare*u.window {
		hypervisor = Finding{Warning, "steal", fmt.Sprintf("the hypervisor gave %.0f %% of this machine to others", 100*u.steal/u.window),
			"a dedicated machine measures faster; verdicts stay valid, intervals get wider"}
	}
	return []Finding{load, hypervisor}
}

func cpuTimes(fs procfs.FS) map[int]eater {
	procs, err := fs.AllProcs()
	if err != nil {
		return nil
	}
	out := make(map[int]eater, len(procs))
	for _, p := range procs {
		if st, err := p.Stat(); err == nil {
			out[p.PID] = eater{p.PID, st.Comm, st.CPUTime()}
		}
	}
	return out
}

func steal(fs procfs.FS) float64 {
	st, err := fs.Stat()
	if err != nil {
		return 0
	}
	return st.CPUTotal.Steal
}
