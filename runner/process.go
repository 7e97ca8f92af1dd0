package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lensbench/record"
)

// WorkerEnv is what every worker's environment gets. Threads of GNU OpenMP
// spin after each parallel region; with several processes on few cores that
// costs up to 20×. This many spins last 1.4 ms, less than the pause between
// samples, and cost the worker nothing that could be measured; a passive wait
// policy slows it by half.
var WorkerEnv = []string{"GOMP_SPINCOUNT=30000"}

// markKey names the environment variable by which the processes of a worker
// are found wherever they went.
const markKey = "LENSBENCH_WORKER"

// A process is a worker's process and everything it started.
type process struct {
	cmd    *exec.Cmd
	group  int    // process group, the worker's process id
	mark   string // value of markKey in the whole tree
	watch  *watchdog
	exited chan struct{} // closed once the worker has ended; it is reaped by end
	once   sync.Once
}

// start starts the worker with the given standard descriptors.
func start(c Command, mark string, stdin, stdout, stderr *os.File) (*process, error) {
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Env = append(append(append(os.Environ(), WorkerEnv...), c.Env...), markKey+"="+mark)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := spawn(cmd); err != nil {
		return nil, startFailure(c, err)
	}
	p := &process{cmd: cmd, group: cmd.Process.Pid, mark: mark, exited: make(chan struct{})}
	go p.watchExit()
	watch, err := guard(p.group)
	if err != nil {
		p.end()
		return nil, err
	}
	p.watch = watch
	return p, nil
}

func startFailure(c Command, err error) *failure {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return c.absent(c.Argv[0] + " is not there")
	}
	reason := fmt.Sprintf("cannot start %s: %v", c.Argv[0], err)
	if c.Optional { // not a program, not for this user, in no directory: there is none to be had
		return c.absent(reason)
	}
	return failf(record.Failed, "%s", reason)
}

// absent is the failure of a worker whose program this machine has not.
func (c Command) absent(reason string) *failure {
	status := record.Failed
	if c.Optional {
		status = record.Skipped
	}
	if c.Install != "" {
		reason += "; " + c.Install
	}
	return failf(status, "%s", reason)
}

// Exit statuses by which whoever should have started a program says that it is not
// there, or none: shells, env, and the shims of version managers that stand on PATH for
// programs which they may not have (POSIX, Shell & Utilities, 2.8.2).
const (
	notExecutable = 126
	notFound      = 127
)

// missing says whether the worker has ended because its program is not there.
func (p *process) missing() bool {
	code := p.cmd.ProcessState.ExitCode()
	return code == notExecutable || code == notFound
}

// spawn starts cmd from a thread that lives as long as this process. The
// parent-death signal is sent when the thread that forked ends, not when its
// process does, and the Go runtime ends threads as it pleases.
//
// From the first worker on, this process adopts what its descendants orphan:
// it can then wait for all of them, where init would be left to reap them, and
// the init of a container often does not.
func spawn(cmd *exec.Cmd) error {
	spawner.once.Do(func() {
		spawner.work = make(chan func())
		go func() {
			runtime.LockOSThread()
			unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // every kernel since 3.4 can
			for f := range spawner.work {
				f()
			}
		}()
	})
	done := make(chan error, 1)
	spawner.work <- func() { done <- cmd.Start() }
	return <-done
}

var spawner struct {
	once sync.Once
	work chan func()
}

// watchExit waits for the worker's end and leaves it unreaped: its process id,
// which names the group, must not be given to a stranger before the group is
// killed.
func (p *process) watchExit() {
	defer close(p.exited)
	for unix.Waitid(unix.P_PID, p.group, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// end kills the worker and everything it started, and returns when all of it
// is gone. It may be called again.
func (p *process) end() {
	p.once.Do(func() {
		unix.Kill(-p.group, unix.SIGKILL)
		p.cmd.Wait() // the state says all that the error does
		sweep(p.mark)
		waitGone(p.group)
		if p.watch != nil {
			p.watch.dismiss()
		}
	})
}

// waitGone reaps the members of a killed group until it has none. Members that
// are stuck in the kernel are not waited for without end.
func waitGone(group int) {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for reaped := 1; reaped > 0; {
			reaped, _ = unix.Wait4(-group, nil, unix.WNOHANG, nil)
		}
		if unix.Kill(-group, 0) == unix.ESRCH {
			return
		}
	}
}

// died ends what is left of a worker that has ended and says how that was.
func (p *process) died() string {
	p.end()
	state := p.cmd.ProcessState
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return fmt.Sprintf("killed by signal %d (%v)", ws.Signal(), ws.Signal())
	}
	return state.String()
}

// killedBy is for after died.
func (p *process) killedBy(sig syscall.Signal) bool {
	ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled() && ws.Signal() == sig
}

// A watchdog kills a process group when this process ends, however it ends:
// it is a shell that waits for the end of a pipe that only this process can
// write to. The parent-death signal alone would leave the worker's children.
type watchdog struct {
	cmd  *exec.Cmd
	pipe *os.File
}

func guard(group int) (*watchdog, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", `read -r _; kill -s KILL -- "-$1"`, "lensbench-watchdog", strconv.Itoa(group))
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := spawn(cmd); err != nil {
		w.Close()
		return nil, fmt.Errorf("watchdog of a worker: %w", err)
	}
	return &watchdog{cmd: cmd, pipe: w}, nil
}

// dismiss ends the watchdog before it sees the end of the pipe.
func (w *watchdog) dismiss() {
	w.cmd.Process.Kill()
	w.cmd.Wait()
	w.pipe.Close()
}
