package runner

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// A Companion is a process that runs beside all arms, to disturb them. It ends when its
// standard input does.
type Companion struct {
	Says string   // what it does, for the record: "a process that …"
	Argv []string // program and arguments
}

// start starts it; stop waits until it has ended.
func (c *Companion) start() (stop func(), err error) {
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = spawn(cmd)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Says, err)
	}
	return func() {
		stdin.Close()
		cmd.Wait() // what it returns says no more than that it has ended
	}, nil
}

// accompanied starts the companion of the run, if it has one.
func (s *session) accompanied() (stop func(), err error) {
	switch says := s.run.Context.Beside; {
	case says == "":
		return func() {}, nil
	case s.opts.Companion == nil || s.opts.Companion.Says != says:
		return nil, fmt.Errorf("%s was begun beside %s; go on with: bench calibrate --resume %s", s.dir, says, s.dir)
	}
	return s.opts.Companion.start()
}
