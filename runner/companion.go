package runner

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"lensbench/record"
)

// A Companion is a process that runs beside all arms, to disturb them. It ends when its
// standard input does.
type Companion struct {
	Says string   // what it does, for the record: "a process that …"
	Argv []string // program and arguments
}

// start starts it; stop waits until it has ended. nil does nothing.
func (c *Companion) start() (stop func(), err error) {
	if c == nil {
		return func() {}, nil
	}
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

// accompanies returns the companion that the run in dir has: the one that was given, if
// it does what is on record; nil without a record of one.
func (c *Companion) accompanies(run record.Run, dir string) (*Companion, error) {
	switch says := run.Context.Beside; {
	case says == "":
		return nil, nil
	case c == nil || c.Says != says:
		return nil, fmt.Errorf("%s was begun beside %s; go on with: bench calibrate --resume %s", dir, says, dir)
	}
	return c, nil
}
