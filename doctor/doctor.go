package doctor

import (
	"context"
	"fmt"
	"io"
	"time"

	"lensbench/accelerator"
	"lensbench/record"
	"lensbench/runner"
)

// A Level says how much a finding matters.
type Level int

const (
	Fine    Level = iota // as it should be
	Missing              // something optional is not there; arms that need it are skipped
	Warning              // numbers will be noisier or slower than they need to be
	Fatal                // runs cannot work
)

// mark is what stands before a finding; colour is never the only sign.
func (l Level) mark() string { return [...]string{"ok", "--", "warn", "FAIL"}[l] }

// MarshalText writes the mark.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.mark()), nil }

// A Finding is one line of the examination.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`       // what was looked at, at most 12 columns
	Says    string `json:"says"`          // what was found
	Fix     string `json:"fix,omitempty"` // what to do, empty if nothing
}

// Options say where to look.
type Options struct {
	Workers map[string]runner.Command // as for a run
	Shim    string                    // path of liblt.so.1
	Cache   string                    // directory for derived data
	Runs    string                    // directory that runs are written to
	Watch   time.Duration             // how long the machine is watched for other work; 0 is half a second

	// Accelerators opens the monitor of the machine's accelerators; nil is
	// accelerator.Open.
	Accelerators func() (accelerator.Monitor, error)
}

// Examine looks at everything and returns the findings in the order in which
// a reader should fix them.
func Examine(ctx context.Context, o Options) []Finding {
	if o.Watch == 0 {
		o.Watch = 500 * time.Millisecond
	}
	var all []Finding
	for _, look := range []func(context.Context, Options) []Finding{
		lens, libtorch, pytorch, machine, processor, accelerators, memory, quiet, lock, disks, tools,
	} {
		all = append(all, look(ctx, o)...)
	}
	return all
}

// Worst returns the highest level among the findings.
func Worst(all []Finding) Level {
	worst := Fine
	for _, f := range all {
		worst = max(worst, f.Level)
	}
	return worst
}

// Count counts the findings of a level.
func Count(all []Finding, l Level) (n int) {
	for _, f := range all {
		if f.Level == l {
			n++
		}
	}
	return n
}

// Write prints one line per finding, and below it what to do.
func Write(w io.Writer, all []Finding) error {
	for _, f := range all {
		if _, err := fmt.Fprintf(w, "%-4s  %-12s  %s\n", f.Level.mark(), f.Subject, f.Says); err != nil {
			return err
		}
		if f.Fix != "" {
			if _, err := fmt.Fprintf(w, "%20sfix: %s\n", "", f.Fix); err != nil {
				return err
			}
		}
	}
	return nil
}

func machine(context.Context, Options) []Finding {
	m, err := record.Host{}.Machine("")
	if err != nil {
		return []Finding{{Level: Fatal, Subject: "machine", Says: err.Error(), Fix: "mount /proc"}}
	}
	gpu := Finding{Fine, "accelerator", m.GPU + ", driver " + m.Driver, ""}
	if m.GPU == "" {
		gpu = Finding{Missing, "accelerator", "none; arms that need one are skipped", ""}
	}
	cpu := Finding{Fine, "processor", fmt.Sprintf("%d × %s", m.CPUs, m.CPUModel), ""}
	if m.Instructions != "" {
		cpu.Says += ": " + m.Instructions
	}
	return []Finding{cpu, governor(m.Governor), gpu}
}

func governor(class string) Finding {
	switch class {
	case "powersave", "other":
		return Finding{Warning, "governor", class + ": the clock follows the load, so short samples vary",
			"as root: cpupower frequency-set -g performance"}
	case "none":
		return Finding{Fine, "governor", "not visible, as usual on a virtual machine", ""}
	}
	return Finding{Fine, "governor", class, ""}
}

func lock(context.Context, Options) []Finding {
	if holder, busy := runner.InUse(); busy {
		return []Finding{{Warning, "other run", "this machine is in use by " + holder.String(),
			"wait for it to end; a run that is started now waits by itself"}}
	}
	return []Finding{{Fine, "other run", "none on this machine", ""}}
}
