package worker

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"lensbench/protocol"
	"lensbench/system/ranks"
	"lensbench/system/usage"
	"lensbench/torch"
)

// A company is the other ranks of a training of several, as rank 0 sees them: one
// process each, which does what this one does. They get requests on standard input
// and reply on descriptor 3. A nil company is a training that is alone.
type company struct {
	team   *ranks.Team
	crew   *ranks.Crew
	ranks  []*rankPipe // from rank 1 on
	end    chan error  // how this rank's part in the team ends
	result chan error  // how the team has ended
	once   sync.Once
	err    error // that the team has ended with
}

// A rankPipe is the connection to one rank.
type rankPipe struct {
	rank     int
	in, out  *os.File
	theirs   []*os.File // ends that the process has, too
	requests *gob.Encoder
	replies  *gob.Decoder
}

// convene starts the other ranks and has them open the same training, which they
// do while this one does: what comes next has to be the collective part of that.
func convene(command []string, q rankRequest) (*company, error) {
	if len(command) == 0 {
		return nil, errors.New("ranks: no command that starts one")
	}
	c := &company{end: make(chan error, 1), result: make(chan error, 1)}
	place, crew, err := ranks.Launch{Ranks: q.Settings.Ranks, Command: command, Threads: q.Settings.Threads,
		Stdout: os.Stderr, Setup: c.connect}.Join()
	for _, p := range c.ranks {
		p.release()
	}
	if err != nil {
		c.hangUp()
		return nil, err
	}
	c.crew = crew
	met := make(chan *ranks.Team, 1)
	go func() {
		c.result <- ranks.Run(place, ranks.Options{}, func(t *ranks.Team) error {
			met <- t
			return <-c.end
		})
	}()
	err = c.send(q)
	if err == nil {
		select {
		case c.team = <-met:
			return c, nil
		case err = <-c.result:
			c.result <- err
		}
	}
	return nil, c.leave(err)
}

// connect gives a rank its pipes.
func (c *company) connect(rank int, cmd *exec.Cmd) error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		theirIn.Close()
		in.Close()
		return err
	}
	cmd.Stdin, cmd.ExtraFiles = theirIn, []*os.File{theirOut}
	c.ranks = append(c.ranks, &rankPipe{rank, in, out, []*os.File{theirIn, theirOut}, gob.NewEncoder(in), gob.NewDecoder(out)})
	return nil
}

func (p *rankPipe) release() {
	for _, f := range p.theirs {
		f.Close()
	}
}

func (c *company) send(q rankRequest) error {
	for _, p := range c.ranks {
		if err := p.requests.Encode(q); err != nil {
			return fmt.Errorf("rank %d: %w", p.rank, err)
		}
	}
	return nil
}

// receive returns the replies of the other ranks.
func (c *company) receive() (all []rankReply, err error) {
	for _, p := range c.ranks {
		var r rankReply
		if err := p.replies.Decode(&r); err != nil {
			return nil, fmt.Errorf("rank %d: its process has ended: %w", p.rank, err)
		}
		if err := r.err(p.rank); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// do has all ranks do the same: this one own, the others what q says.
func (c *company) do(q rankRequest, own func() error) ([]rankReply, error) {
	if c == nil {
		return nil, own()
	}
	err := c.send(q)
	if err == nil {
		err = own()
	}
	if err != nil {
		return nil, c.leave(err)
	}
	replies, err := c.receive()
	if err != nil {
		return nil, c.leave(err)
	}
	return replies, nil
}

// ask is do where this rank has nothing to do.
func (c *company) ask(q rankRequest) ([]rankReply, error) {
	return c.do(q, func() error { return nil })
}

// leave ends the team, with err if this rank has failed, and the processes. It
// returns what the end is due to.
func (c *company) leave(err error) error {
	if c == nil {
		return err
	}
	c.once.Do(func() {
		c.hangUp()
		c.end <- err
		if c.err = <-c.result; c.err == nil {
			c.err = err
		}
		if c.crew == nil {
			return
		}
		if c.err != nil {
			c.crew.Stop()
		}
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		if gone := c.crew.Wait(ctx); c.err == nil {
			c.err = gone
		}
	})
	return c.err
}

// farewell is how long ranks may take to end by themselves.
const farewell = 5 * time.Second

func (c *company) hangUp() {
	for _, p := range c.ranks {
		p.in.Close()
	}
}

// children returns what the other ranks have used, and their peaks.
func (c *company) children() (used usage.Usage, peaks torch.Peaks, err error) {
	if c == nil {
		return used, peaks, nil
	}
	replies, err := c.ask(rankRequest{Op: rankUsage})
	for _, r := range replies {
		used, peaks = used.Plus(r.Usage), peaks.Plus(r.Peaks)
	}
	return used, peaks, err
}

func (c *company) resetPeaks() error {
	if c == nil {
		return nil
	}
	_, err := c.ask(rankRequest{Op: rankReset})
	return err
}

// err returns the error that a rank replied.
func (r rankReply) err(rank int) error {
	switch {
	case r.Error == "":
		return nil
	case r.OutOfMemory:
		return fmt.Errorf("rank %d: %s: %w", rank, r.Error, torch.ErrOutOfMemory)
	}
	return fmt.Errorf("rank %d: %s", rank, r.Error)
}

// Operations of a rankRequest.
const (
	rankOpen    = "open" // the first
	rankRewind  = "rewind"
	rankIterate = "iterate"
	rankLocal   = "local" // a step without the others → Seconds
	rankCheck   = "check"
	rankUsage   = "usage" // → Usage, Peaks
	rankReset   = "reset" // make Peaks start anew
)

// A rankRequest is what rank 0 asks of the others. Both ends are the same program, so
// messages are gobs without a version.
type rankRequest struct {
	Op         string
	Settings   protocol.Settings // these three with rankOpen
	Cache      string
	Count      bool   // count memory
	Iterations int    // with rankIterate
	Check      string // with rankCheck
}

// A rankReply answers a rankRequest.
type rankReply struct {
	Error       string // empty: none
	OutOfMemory bool   // what kind of error
	Seconds     float64
	Usage       usage.Usage
	Peaks       torch.Peaks
}
