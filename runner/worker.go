package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/telemetry"
)

// farewell is how long a worker may take to answer close and exit.
var farewell = 3 * time.Second // shorter in tests

// A worker is a process that speaks the protocol. It is for one goroutine;
// only the context may interrupt it from another. Once a method has returned
// a failure that is not the worker's own refusal, the process is dead.
type worker struct {
	proc   *process
	in     *os.File
	out    *lineReader
	errs   *os.File
	log    *stderrLog
	limit  time.Duration // for any one answer
	lastID int
	kills  int64 // kills for want of memory on this host, before the start
	began  time.Time
	hello  protocol.Hello
	loaded float64     // s, process start to hello
	stop   func() bool // detaches the context
}

// A launch says how a worker is started.
type launch struct {
	command Command
	mark    string        // see markKey
	log     string        // file for standard error
	header  string        // first line there
	limit   time.Duration // for any one answer
}

// open starts a worker and greets it. When ctx ends, the worker is killed.
func open(ctx context.Context, l launch) (*worker, error) {
	w := &worker{limit: l.limit, kills: telemetry.Kills(), began: time.Now()}
	if err := w.start(l); err != nil {
		return nil, err
	}
	w.stop = context.AfterFunc(ctx, func() { syscall.Kill(-w.proc.group, syscall.SIGKILL) })
	resp, err := w.ask(protocol.Request{Op: protocol.OpHello})
	if err != nil {
		w.kill()
		if f := asFailure(err); f.status == record.Crash && l.command.Optional && w.proc.missing() {
			absent := l.command.absent(fmt.Sprintf("%s is not there, says what stands for it (%s)", l.command.Argv[0], w.proc.cmd.ProcessState))
			absent.stderr = f.stderr
			return nil, absent
		}
		return nil, err
	}
	w.hello, w.loaded = *resp.Hello, time.Since(w.began).Seconds()
	if v := w.hello.Protocol; v != protocol.Version {
		w.kill()
		return nil, failf(record.Failed, "worker speaks version %d of the protocol; this bench speaks version %d", v, protocol.Version)
	}
	return w, nil
}

func (w *worker) start(l launch) error {
	var p pipes
	if err := p.open(); err != nil {
		p.closeAll()
		return fmt.Errorf("pipes of a worker: %w", err)
	}
	proc, err := start(l.command, l.mark, p.stdin[0], p.stdout[1], p.stderr[1])
	if err != nil {
		p.closeAll()
		return err
	}
	p.closeTheirs()
	w.proc, w.in, w.out, w.errs = proc, p.stdin[1], newLineReader(p.stdout[0]), p.stderr[0]
	w.log = copyStderr(p.stderr[0], l.log, l.header)
	return nil
}

// ask sends a request and returns its answer. The error is a failure.
func (w *worker) ask(req protocol.Request) (protocol.Response, error) {
	resp, _, err := w.timedAsk(req)
	return resp, err
}

// timedAsk is ask that also says how long the answer took, from before the
// request was written to after its last byte was read.
func (w *worker) timedAsk(req protocol.Request) (protocol.Response, float64, error) {
	var resp protocol.Response
	w.lastID++
	req.ID = w.lastID
	line, err := json.Marshal(req)
	if err != nil {
		return resp, 0, fmt.Errorf("request %s: %w", req.Op, err)
	}
	if b := w.out.unread(); len(b) > 0 {
		return resp, 0, w.blame(failf(record.Failed, "worker wrote %s before it was asked for %s", quote(b), req.Op))
	}
	sent := time.Now()
	answer, err := w.exchange(append(line, '\n'), sent.Add(w.limit))
	took := time.Since(sent).Seconds()
	if err != nil {
		return resp, took, w.blame(w.silence(req.Op, answer, err))
	}
	if err := decodeAnswer(answer, req, &resp); err != nil {
		return resp, took, w.blame(asFailure(err))
	}
	if resp.Error != nil {
		f := refusal(resp.Error)
		f.stderr = w.log.last()
		return resp, took, f
	}
	return resp, took, nil
}

func (w *worker) exchange(line []byte, deadline time.Time) ([]byte, error) {
	if err := w.in.SetWriteDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := w.in.Write(line); err != nil && !errors.Is(err, syscall.EPIPE) {
		return nil, err
	}
	return w.out.next(deadline) // of a worker that is gone: what it said, and the end
}

// silence explains why no answer came.
func (w *worker) silence(op string, partial []byte, err error) *failure {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failf(record.Timeout, "no answer to %s within the time limit of %v", op, w.limit)
	case errors.Is(err, errTooLong):
		return failf(record.Failed, "worker flooded its standard output: %v", err)
	case !errors.Is(err, io.EOF):
		return failf(record.Failed, "no answer to %s: %v", op, err)
	}
	if !w.exits(farewell) {
		return failf(record.Failed, "worker closed its standard output instead of answering %s", op)
	}
	f := failf(record.Crash, "worker ended instead of answering %s: %s", op, w.proc.died())
	if len(partial) > 0 {
		f.reason += fmt.Sprintf(", after writing %s", quote(partial))
	}
	if w.proc.killedBy(syscall.SIGKILL) && telemetry.Kills() > w.kills {
		f.status = record.OOM
		f.reason += "; the kernel ran out of memory at that time"
	}
	return f
}

// exits waits for the worker to end by itself.
func (w *worker) exits(within time.Duration) bool {
	select {
	case <-w.proc.exited:
		return true
	case <-time.After(within):
		return false
	}
}

// blame kills the worker and adds its last words to the failure.
func (w *worker) blame(f *failure) *failure {
	w.kill()
	f.stderr = w.log.last()
	return f
}

// kill ends the worker at once. It may be called again.
func (w *worker) kill() {
	if w.in == nil {
		return
	}
	w.stop()
	w.proc.end()
	w.in.Close()
	w.in = nil
	w.out.pipe.Close()
	select { // the end of standard error, unless some stranger holds it open
	case <-w.log.done:
	case <-time.After(100 * time.Millisecond):
	}
	w.errs.Close()
	<-w.log.done
}

// close asks the worker to end, and kills it if it does not.
func (w *worker) close() {
	if w.in == nil {
		return
	}
	w.limit = farewell
	if _, err := w.ask(protocol.Request{Op: protocol.OpClose}); err == nil {
		w.in.Close()
		w.exits(farewell)
	}
	w.kill()
}

// pipes are the three pipes of a worker: read end, write end.
type pipes struct{ stdin, stdout, stderr [2]*os.File }

func (p *pipes) open() (err error) {
	for _, pair := range []*[2]*os.File{&p.stdin, &p.stdout, &p.stderr} {
		if pair[0], pair[1], err = os.Pipe(); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipes) closeTheirs() {
	p.stdin[0].Close()
	p.stdout[1].Close()
	p.stderr[1].Close()
}

func (p *pipes) closeAll() {
	for _, pair := range [][2]*os.File{p.stdin, p.stdout, p.stderr} {
		for _, f := range pair {
			f.Close() // of a nil file: an error, no harm
		}
	}
}
