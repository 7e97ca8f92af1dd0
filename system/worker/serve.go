package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"lensbench/protocol"
	"lensbench/system/usage"
	"lensbench/torch"
)

// A Server answers the requests of one run of the worker.
type Server struct {
	Member []string // command that starts a member process of an ensemble
	Rank   []string // … a rank of a training of several, but for rank 0

	loaded float64 // s, process start to the first request
	work   work    // nil: nothing prepared
	cache  string  // directory that it was prepared with
	counts bool    // whether work is for the memory pass
	looks  bool    // whether work is for the profile pass
	load   int64   // bytes at the peak of preparing; memory pass only
	delay  float64 // fraction by which iterations are made longer
}

// work is what was prepared.
type work interface {
	// facts returns what is known of it; times are filled in by the server.
	facts() protocol.Facts
	// rewind goes back to where prepare left it, if iterations change anything.
	rewind() error
	// iterate does the work n times.
	iterate(n int, c *clock) error
	// outputs computes what a check compares, one of protocol's Check constants.
	outputs(check string) (outputs, error)
	// children returns what child processes have used so far, and their peaks
	// of tensor bytes since resetPeaks.
	children() (usage.Usage, torch.Peaks, error)
	resetPeaks() error
	// tensorPeaks returns the peaks of this process since the last iterate began.
	tensorPeaks() torch.Peaks
	// extra returns numbers that only this work has, of the last iterate, whose mean
	// iteration took so many seconds; nil for none.
	extra(seconds float64) (map[string]protocol.Number, error)
	close() error
}

// outputs are what a check compares.
type outputs struct {
	shape   []int
	values  []float32 // row-major; nil if digests are all there is
	digests []string
}

// noCheck refuses a check that work does not know.
func noCheck(check string) error {
	return refuse(protocol.Unsupported, "verify: this work has no %s to compare", check)
}

// steady is part of work that iterations do not change.
type steady struct{}

func (steady) rewind() error { return nil }

// alone is part of work without child processes.
type alone struct{}

func (alone) children() (usage.Usage, torch.Peaks, error) { return usage.Usage{}, torch.Peaks{}, nil }
func (alone) resetPeaks() error                           { return nil }

// plain is part of work that leaves peaks to torch and has nothing to add.
type plain struct{}

func (plain) tensorPeaks() torch.Peaks { return torch.ReadPeaks() }

func (plain) extra(float64) (map[string]protocol.Number, error) { return nil, nil }

// Serve answers one request a line until in ends or asks to close.
func (s *Server) Serve(in io.Reader, out io.Writer) error {
	age, err := usage.Age()
	if err != nil {
		return err
	}
	s.loaded = age.Seconds()
	defer s.discard()
	for r := bufio.NewReader(in); ; {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			closing, werr := s.respond(out, line)
			if closing || werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
	}
}

// respond answers one line; closing says that no other is to be read.
func (s *Server) respond(out io.Writer, line []byte) (closing bool, err error) {
	var resp protocol.Response
	req, err := parse(line)
	if err == nil {
		err = s.answer(req, &resp)
	}
	if err != nil {
		resp = protocol.Response{Error: refusal(err)}
	}
	resp.ID = req.ID
	b, err := json.Marshal(resp)
	if err != nil {
		return false, fmt.Errorf("response to %s: %w", req.Op, err)
	}
	if _, err := out.Write(append(b, '\n')); err != nil {
		return false, fmt.Errorf("write response: %w", err)
	}
	return req.Op == protocol.OpClose && resp.Error == nil, nil
}

// parse reads a request strictly. Its ID is returned even with an error, where
// there is one.
func parse(line []byte) (protocol.Request, error) {
	var req protocol.Request
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return req, refuse(protocol.BadRequest, "request: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return req, refuse(protocol.BadRequest, "request: more than one object on a line")
	}
	return req, nil
}

func (s *Server) answer(req protocol.Request, resp *protocol.Response) (err error) {
	switch req.Op {
	case protocol.OpHello:
		resp.Hello, err = hello()
	case protocol.OpPrepare:
		resp.Facts, err = s.prepare(req.Prepare)
	case protocol.OpSample:
		resp.Sample, err = s.sample(req.Sample)
	case protocol.OpVerify:
		resp.Outputs, err = s.verify(req.Verify)
	case protocol.OpClose:
	default:
		err = refuse(protocol.BadRequest, "unknown operation %q", req.Op)
	}
	return err
}

// discard ends what was prepared.
func (s *Server) discard() error {
	if s.work == nil {
		return nil
	}
	w := s.work
	s.work = nil
	return w.close()
}

func refuse(kind, format string, args ...any) *protocol.Error {
	return &protocol.Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// refusal turns any error into the protocol's.
func refusal(err error) *protocol.Error {
	var e *protocol.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, torch.ErrOutOfMemory):
		return refuse(protocol.OutOfMemory, "%v; choose a smaller batch or fewer members", err)
	}
	return refuse(protocol.Failed, "%v", err)
}
