package ensemble

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"lensbench/system/usage"
	"lensbench/torch"

	"golang.org/x/sync/errgroup"
)

// farewell is how long a member process may take to end by itself.
const farewell = 3 * time.Second

// processes are the member processes of the schedule Processes.
type processes []*process

// openProcesses starts one process per member; they load at the same time.
func openProcesses(c Config, threads []int) (processes, error) {
	if len(c.Command) == 0 {
		return nil, errors.New("schedule processes: no command that starts a member process")
	}
	all := make(processes, len(c.Members))
	var g errgroup.Group
	for i, name := range c.Members {
		own := c
		own.Members, own.Schedule, own.Threads, own.Command = []string{name}, Sequential, threads[i], nil
		own.Seed = c.seed(i)
		if c.Trained != nil {
			own.Trained = c.Trained[i : i+1]
		}
		g.Go(func() (err error) {
			all[i], err = startProcess(c.Command, own)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		all.close()
		return nil, err
	}
	return all, nil
}

func (all processes) score(logits [][]float32) error {
	return all.logits(request{Op: opScore}, logits)
}

func (all processes) query(first, count int, logits [][]float32) error {
	return all.logits(request{Op: opQuery, First: first, Count: count}, logits)
}

func (all processes) other(p Part, logits [][]float32) error {
	return all.logits(request{Op: opPart, Part: p}, logits)
}

// logits stores what the members reply.
func (all processes) logits(q request, logits [][]float32) error {
	replies, err := all.ask(q)
	if err != nil {
		return err
	}
	for i, r := range replies {
		if len(r.Logits) != len(logits[i]) {
			return fmt.Errorf("member %s: %d logits for %d images", all[i].name, len(r.Logits), len(logits[i]))
		}
		copy(logits[i], r.Logits)
	}
	return nil
}

// ask asks all processes at once.
func (all processes) ask(q request) ([]reply, error) {
	replies := make([]reply, len(all))
	var g errgroup.Group
	for i, p := range all {
		g.Go(func() (err error) {
			replies[i], err = p.ask(q)
			return err
		})
	}
	return replies, g.Wait()
}

func (all processes) threads() int {
	n := 0
	for _, p := range all {
		n += p.threads
	}
	return n
}

func (all processes) usage() (used usage.Usage, peaks torch.Peaks, err error) {
	replies, err := all.ask(request{Op: opUsage})
	for _, r := range replies {
		used = used.Plus(r.Usage)
		peaks = peaks.Plus(r.Peaks)
	}
	return used, peaks, err
}

func (all processes) resetPeaks() error {
	_, err := all.ask(request{Op: opReset})
	return err
}

func (all processes) close() error {
	var g errgroup.Group
	for _, p := range all {
		if p != nil {
			g.Go(p.close)
		}
	}
	return g.Wait()
}

// A process is one member process. Its standard input ends when this process
// does, and the kernel kills it then in any case.
type process struct {
	name    string // of the member
	threads int
	cmd     *exec.Cmd
	in      *os.File // requests
	out     *os.File // replies
	encode  *gob.Encoder
	decode  *gob.Decoder
	exited  chan struct{} // closed once the process is gone and cmd.ProcessState says how
}

// startProcess starts a process and has it load its one member.
func startProcess(command []string, c Config) (*process, error) {
	p := &process{name: c.Members[0], exited: make(chan struct{})}
	if err := p.start(command); err != nil {
		return nil, fmt.Errorf("member %s: start %s: %w", p.name, command[0], err)
	}
	r, err := p.ask(request{Op: opOpen, Config: c})
	if err != nil {
		p.close()
		return nil, err
	}
	p.threads = r.Threads
	return p, nil
}

// start gives the process its requests on descriptor 0 and takes its replies
// from descriptor 3: what libraries print to descriptor 1 goes to our stderr.
func (p *process) start(command []string) error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return err
	}
	defer theirOut.Close()
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirIn, os.Stderr, os.Stderr
	p.cmd.ExtraFiles = []*os.File{theirOut}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.run(); err != nil {
		in.Close()
		out.Close()
		return err
	}
	p.in, p.out, p.encode, p.decode = in, out, gob.NewEncoder(in), gob.NewDecoder(out)
	return nil
}

// run starts the process from a thread that lives until the process is gone:
// the parent-death signal is sent when the thread that forked ends.
func (p *process) run() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.cmd.Wait() // how it ended is in ProcessState
			close(p.exited)
		}
	}()
	return <-started
}

// ask sends a request and waits for its reply.
func (p *process) ask(q request) (reply, error) {
	var r reply
	err := p.encode.Encode(q)
	if err == nil {
		err = p.decode.Decode(&r)
	}
	if err != nil {
		return r, p.died(err)
	}
	return r, r.err(p.name)
}

// died explains why a process does not answer.
func (p *process) died(err error) error {
	select {
	case <-p.exited:
		return fmt.Errorf("member %s: its process %d died: %v", p.name, p.cmd.Process.Pid, p.cmd.ProcessState)
	case <-time.After(farewell):
		return fmt.Errorf("member %s: its process %d does not answer: %w", p.name, p.cmd.Process.Pid, err)
	}
}

// close ends the process.
func (p *process) close() error {
	p.in.Close()
	defer p.out.Close()
	select {
	case <-p.exited:
	case <-time.After(farewell):
		p.cmd.Process.Kill()
		<-p.exited
	}
	return nil
}

// err returns the error that a member process replied.
func (r reply) err(member string) error {
	switch {
	case r.Error == "":
		return nil
	case r.OutOfMemory:
		return fmt.Errorf("member %s: %s: %w", member, r.Error, torch.ErrOutOfMemory)
	}
	return fmt.Errorf("member %s: %s", member, r.Error)
}
