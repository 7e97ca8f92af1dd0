package fakeworker

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"lensbench/protocol"
)

// faults are the misbehaviours by name. Each may change the answer, and says
// whether it is still to be sent.
var faults = map[string]func(*worker, *protocol.Response) bool{
	// Ends.
	"crash":  func(*worker, *protocol.Response) bool { die("panic: something broke", 3); return false },
	"quit":   func(*worker, *protocol.Response) bool { os.Exit(0); return false },
	"kill":   func(*worker, *protocol.Response) bool { syscall.Kill(os.Getpid(), syscall.SIGKILL); return false },
	"half":   func(w *worker, _ *protocol.Response) bool { io.WriteString(w.out, `{"id":`); os.Exit(4); return false },
	"mute":   func(*worker, *protocol.Response) bool { os.Stdout.Close(); return hang() },
	"hang":   func(*worker, *protocol.Response) bool { return hang() },
	"linger": func(w *worker, r *protocol.Response) bool { w.send(*r); return hang() },

	// Delays and noise.
	"slow":        func(*worker, *protocol.Response) bool { time.Sleep(20 * time.Millisecond); return true },
	"shout":       func(*worker, *protocol.Response) bool { shout(); return true },
	"garbage":     func(w *worker, _ *protocol.Response) bool { io.WriteString(w.out, "Loading weights…\n"); return true },
	"flood":       func(w *worker, _ *protocol.Response) bool { flood(w.out, strings.Repeat("x", 1<<16)); return false },
	"flood-lines": func(w *worker, _ *protocol.Response) bool { flood(w.out, strings.Repeat("x\n", 1<<15)); return false },
	"unasked":     func(w *worker, r *protocol.Response) bool { w.send(*r); return true },
	"wrong-id":    func(_ *worker, r *protocol.Response) bool { r.ID += 7; return true },
	"two-contents": func(_ *worker, r *protocol.Response) bool {
		r.Facts, r.Sample = &protocol.Facts{}, &protocol.Sample{}
		return true
	},
	"empty":   func(_ *worker, r *protocol.Response) bool { *r = protocol.Response{ID: r.ID}; return true },
	"version": func(_ *worker, r *protocol.Response) bool { r.Hello.Protocol++; return true },

	// Lies.
	"lie-items":     lie(func(s *protocol.Sample) { s.Items++ }),
	"lie-wall":      lie(func(s *protocol.Sample) { s.Wall += 10 }),
	"lie-zero":      lie(func(s *protocol.Sample) { s.Wall = 0 }),
	"lie-negative":  lie(func(s *protocol.Sample) { s.Durations[0] = -s.Durations[0] }),
	"lie-durations": lie(func(s *protocol.Sample) { s.Durations[0] += s.Wall }),
	"lie-count":     lie(func(s *protocol.Sample) { s.Durations = s.Durations[1:] }),
	"lie-cpu":       lie(func(s *protocol.Sample) { s.CPU = -1 }),
	"lie-memory":    lie(func(s *protocol.Sample) { s.RSSPeak = -1 }),
	"lie-breakdown": lie(func(s *protocol.Sample) {
		s.TensorPeak, s.Memory = 3, &protocol.Memory{AtPeak: protocol.Bytes{Weights: 2}}
	}),
	"lie-profile-negative": lie(func(s *protocol.Sample) { s.Profile.Operators[0].Seconds *= -1 }),
	"lie-profile-total":    lie(func(s *protocol.Sample) { s.Profile.Operators[0].Seconds += s.Wall }),
	"lie-profile-wall":     lie(func(s *protocol.Sample) { s.Profile.Wall += 10 }),
	"lie-profile-none":     lie(func(s *protocol.Sample) { s.Profile = nil }),
	"shrink-profile": lie(func(s *protocol.Sample) {
		s.Profile = Profile(s.Wall / 1000)
		s.Profile.Threads = 2
	}),
	"nan-profile": func(w *worker, r *protocol.Response) bool {
		fmt.Fprintf(w.out, `{"id":%d,"sample":{"wall":1,"profile":{"wall":NaN}}}`+"\n", r.ID)
		return false
	},
	"lie-facts":  func(_ *worker, r *protocol.Response) bool { r.Facts.ItemsPerIteration = 99; return true },
	"lie-digest": func(_ *worker, r *protocol.Response) bool { r.Outputs.Digest = "00"; return true },
	"nan": func(w *worker, r *protocol.Response) bool {
		fmt.Fprintf(w.out, `{"id":%d,"sample":{"wall":NaN,"cpu":0,"durations":[NaN],"items":1}}`+"\n", r.ID)
		return false
	},

	// Other outputs.
	"drift":       func(_ *worker, r *protocol.Response) bool { drift(r.Outputs); return true },
	"sway":        func(_ *worker, r *protocol.Response) bool { sway(r.Outputs); return true },
	"nudge":       func(_ *worker, r *protocol.Response) bool { r.Outputs.Digests[1] = "bbbc"; return true },
	"swap":        func(_ *worker, r *protocol.Response) bool { swap(r.Outputs); return true },
	"shape":       func(_ *worker, r *protocol.Response) bool { r.Outputs = Outputs(1, 2); return true },
	"nan-outputs": func(_ *worker, r *protocol.Response) bool { r.Outputs.Values[0] = nan(); return true },

	// Refusals.
	"unsupported":     refuse(protocol.Unsupported, "PyTorch is not installed; install it with: pip install torch==2.11.0"),
	"unknown-setting": refuse(protocol.UnknownSetting, `setting "schedule" is not known to this worker`),
	"out-of-memory":   refuse(protocol.OutOfMemory, "cannot allocate 64 GiB"),
	"failed":          refuse(protocol.Failed, "weights: no such file"),
	"bad-request":     refuse(protocol.BadRequest, "request has the unknown key 'verify'"),

	// Children.
	"child":  func(*worker, *protocol.Response) bool { spawn(&syscall.SysProcAttr{}); return true },
	"daemon": func(*worker, *protocol.Response) bool { spawn(&syscall.SysProcAttr{Setsid: true}); return true },
}

// sway changes the first value, and tells the truth about it.
func sway(o *protocol.Outputs) {
	o.Values[0] += 0.1
	o.Digest = Outputs(o.Values...).Digest
}

// drift adds 0.1 to every value.
func drift(o *protocol.Outputs) {
	for i := range o.Values {
		o.Values[i] += 0.1
	}
	o.Digest = Outputs(o.Values...).Digest
}

// swap exchanges the first two parts.
func swap(o *protocol.Outputs) {
	o.Digests[0], o.Digests[1] = o.Digests[1], o.Digests[0]
	o.Digest = Parts(o.Digests...).Digest
}

func lie(change func(*protocol.Sample)) func(*worker, *protocol.Response) bool {
	return func(_ *worker, r *protocol.Response) bool { change(r.Sample); return true }
}

func refuse(kind, message string) func(*worker, *protocol.Response) bool {
	return func(_ *worker, r *protocol.Response) bool {
		*r = protocol.Response{ID: r.ID, Error: &protocol.Error{Kind: kind, Message: message}}
		return true
	}
}

func die(last string, status int) {
	fmt.Fprintln(os.Stderr, last)
	os.Exit(status)
}

// hang blocks for longer than any test waits, deaf to the end of its input.
func hang() bool {
	time.Sleep(time.Hour)
	return false
}

// flood writes without end.
func flood(to io.Writer, what string) {
	for {
		if _, err := io.WriteString(to, what); err != nil {
			os.Exit(5)
		}
	}
}

// shout writes 4 MiB of log.
func shout() {
	for range 1 << 16 {
		fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 10)+"...")
	}
}

// spawn starts a process that outlives this one and holds its standard error.
func spawn(attr *syscall.SysProcAttr) {
	cmd := exec.Command("sleep", "600")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		die(err.Error(), 6)
	}
}

func nan() protocol.Number {
	var zero protocol.Number
	return zero / zero
}
