package ranks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A Launch starts ranks of a program on this machine. They end with the process
// that started them, however it ends.
type Launch struct {
	Ranks   int
	Command []string  // program and arguments; nil: those of this process
	Env     []string  // NAME=value, beside those of this process
	Threads int       // OMP_NUM_THREADS of each; 0: its share of the processors
	Stdout  io.Writer // of rank 0; that of others goes to Stderr. nil: os.Stdout
	Stderr  io.Writer // of all, each line after "rank 3: "; nil: os.Stderr
	// Setup, if not nil, changes the command of a rank before it is started, to give
	// it files. Rank 0 has one more already.
	Setup func(rank int, c *exec.Cmd) error
	Grace time.Duration // between asking a rank to end and killing it; 0: 5 s
}

// spinCount ends the wait of OpenMP's threads for the next region after 1.4 ms.
// Without it, those of more ranks than processors take each other's time.
const spinCount = "GOMP_SPINCOUNT=30000"

// Run starts all ranks and waits for them. When one fails, the others are ended at
// once, and the error says which it was and how it ended.
func (l Launch) Run(ctx context.Context) error {
	_, c, err := l.start(0)
	if err != nil {
		return err
	}
	return c.Wait(ctx)
}

// Join starts all ranks but 0, which is the caller, at the place that it returns.
func (l Launch) Join() (Place, *Crew, error) { return l.start(1) }

// A Crew is processes that were started.
type Crew struct {
	grace   time.Duration
	members []*member
	ended   chan *member
	once    sync.Once
}

func (l Launch) start(first int) (Place, *Crew, error) {
	if l.Ranks < 1 || l.Ranks > maxWorld {
		return Place{}, nil, fmt.Errorf("%d ranks; want 1 to %d", l.Ranks, maxWorld)
	}
	socket, port, err := listen()
	if err != nil {
		return Place{}, nil, fmt.Errorf("a port for the ranks: %w", err)
	}
	place := Place{World: l.Ranks, Host: loopback, Port: port, Round: firstRound, by: "Launch"}
	c := &Crew{grace: l.Grace, ended: make(chan *member, l.Ranks)}
	if c.grace == 0 {
		c.grace = 5 * time.Second
	}
	stderr := &shared{w: orElse(l.Stderr, os.Stderr)}
	for r := first; r < l.Ranks; r++ {
		place.Rank, place.Local = r, r
		m, err := l.startMember(place, socket, stderr, c.ended)
		if err != nil {
			c.Stop()
			socket.Close()
			return Place{}, nil, fmt.Errorf("rank %d: %w", r, err)
		}
		c.members = append(c.members, m)
	}
	place.Rank, place.Local = 0, 0
	if first == 0 {
		socket.Close() // rank 0 has it
	} else {
		place.socket = socket
	}
	return place, c, nil
}

const (
	loopback   = "127.0.0.1"
	firstRound = "0" // of those that torchrun counts
)

// listen returns a socket that listens at a free port. Ranks that come before rank
// 0 wait in its queue, and no other process can take the port meanwhile.
func listen() (*os.File, int, error) {
	l, err := net.Listen("tcp4", loopback+":0")
	if err != nil {
		return nil, 0, err
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	return f, l.Addr().(*net.TCPAddr).Port, err
}

func orElse(w io.Writer, other io.Writer) io.Writer {
	if w == nil {
		return other
	}
	return w
}

// env is the environment of a rank. Of a name that comes twice, the last counts.
func (l Launch) env(p Place) []string {
	threads := l.Threads
	if threads == 0 {
		threads = max(1, runtime.NumCPU()/l.Ranks)
	}
	env := append([]string{spinCount}, os.Environ()...)
	for _, v := range []struct {
		name  string
		value string
	}{
		{"OMP_NUM_THREADS", strconv.Itoa(threads)},
		{rankVar, strconv.Itoa(p.Rank)}, {worldVar, strconv.Itoa(p.World)}, {localVar, strconv.Itoa(p.Local)},
		{hostVar, p.Host}, {portVar, strconv.Itoa(p.Port)}, {agentVar, "False"}, {roundVar, p.Round},
	} {
		env = append(env, v.name+"="+v.value)
	}
	if p.Rank == 0 {
		env = append(env, sockVar+"=3")
	}
	return append(env, l.Env...)
}

// Wait waits for all members. When one fails, or the context ends, it ends the
// others; the error is that of the first.
func (c *Crew) Wait(ctx context.Context) (err error) {
	cancelled := ctx.Done()
	for left := len(c.members); left > 0; {
		select {
		case m := <-c.ended:
			left--
			if e := m.failure(); e != nil && err == nil {
				err = e
				go c.Stop()
			}
		case <-cancelled:
			cancelled = nil
			if err == nil {
				err = context.Cause(ctx)
			}
			go c.Stop()
		}
	}
	return err
}

// Stop ends all members: it asks, and after the grace it kills.
func (c *Crew) Stop() {
	c.once.Do(func() {
		c.signal(syscall.SIGTERM)
		after := time.After(c.grace)
		for _, m := range c.members {
			select {
			case <-m.gone:
			case <-after:
				c.signal(syscall.SIGKILL)
				return
			}
		}
	})
}

func (c *Crew) signal(s syscall.Signal) {
	for _, m := range c.members {
		select {
		case <-m.gone:
		default:
			m.cmd.Process.Signal(s)
		}
	}
}

// A member is one process that was started.
type member struct {
	rank   int
	cmd    *exec.Cmd
	err    error         // of its end; read after gone
	gone   chan struct{} // closed when it is gone
	stderr *prefixed
}

func (l Launch) startMember(p Place, socket *os.File, stderr *shared, ended chan<- *member) (*member, error) {
	m := &member{rank: p.Rank, cmd: l.command(), gone: make(chan struct{})}
	m.stderr = &prefixed{to: stderr, prefix: fmt.Sprintf("rank %d: ", p.Rank)}
	m.cmd.Env = l.env(p)
	m.cmd.Stdout, m.cmd.Stderr = m.stderr, m.stderr
	if p.Rank == 0 {
		m.cmd.Stdout = orElse(l.Stdout, os.Stdout)
		m.cmd.ExtraFiles = []*os.File{socket}
	}
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.cmd.WaitDelay = time.Second // for who inherited its stderr
	if l.Setup != nil {
		if err := l.Setup(p.Rank, m.cmd); err != nil {
			return nil, err
		}
	}
	return m, m.start(ended)
}

func (l Launch) command() *exec.Cmd {
	if l.Command != nil {
		return exec.Command(l.Command[0], l.Command[1:]...)
	}
	c := exec.Command("/proc/self/exe") // right even if the file was replaced meanwhile
	c.Args = os.Args
	return c
}

// start starts the process from a thread that lives until the process is gone: the
// parent-death signal is sent when the thread that forked ends.
func (m *member) start(ended chan<- *member) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := m.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		m.err = m.cmd.Wait()
		m.stderr.end()
		close(m.gone)
		ended <- m
	}()
	return <-started
}

// failure says how the process ended, nil if well.
func (m *member) failure() error {
	if m.err == nil || errors.Is(m.err, exec.ErrWaitDelay) {
		return nil
	}
	if m.stderr.last == "" || m.cmd.ProcessState.ExitCode() < 0 { // the words of one that was killed are not about that
		return fmt.Errorf("rank %d: %w", m.rank, m.err)
	}
	return fmt.Errorf("rank %d: %w: %s", m.rank, m.err, m.stderr.last)
}
