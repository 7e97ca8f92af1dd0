package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"lensbench/protocol"
	"lensbench/record"
)

// An arm is one of a cell's arms with the process that runs it now.
type arm struct {
	record.Arm
	index     int // in the cell; 0 is the control
	w         *worker
	facts     protocol.Facts
	first     float64 // s, first iteration after prepare
	iteration float64 // s, estimate after warm-up
	resident  int64   // bytes, peak after the first iteration
}

func (a *arm) kill() {
	if a.w != nil {
		a.w.kill()
		a.w = nil
	}
}

// close lets the worker end by itself, unless there is no time for that.
func (a *arm) close(ctx context.Context) {
	if a.w != nil && ctx.Err() == nil {
		a.w.close()
	}
	a.kill()
}

// Rebuilt means that a worker is not the build that the run began with, so
// that its samples would not be of one arm.
type Rebuilt struct{ Worker, Was, Is string }

func (e *Rebuilt) Error() string {
	return fmt.Sprintf("worker %s is build %q, but this run began with build %q; start a new run", e.Worker, e.Is, e.Was)
}

// start starts the arm's worker and has it prepare for a pass.
func (c *cellRun) start(a *arm, restart int, pass string) error {
	command, ok := c.opts.Workers[a.Worker]
	if !ok || len(command.Argv) == 0 {
		return failf(record.Failed, "no command starts the worker %q", a.Worker)
	}
	w, err := open(c.ctx, c.launch(command, a, restart, pass))
	if err != nil {
		return err
	}
	a.w = w
	if was, known := c.session.state.builds[a.Worker]; known && was != w.hello.Build {
		a.kill()
		return &Rebuilt{Worker: a.Worker, Was: was, Is: w.hello.Build}
	}
	return c.prepare(a, pass)
}

func (c *cellRun) launch(command Command, a *arm, restart int, pass string) launch {
	c.started++
	return launch{
		command: command,
		mark:    newMark(c.run.ID, c.started),
		log:     filepath.Join(c.dir, record.LogsDir, fileName(record.Name(c.cell.Scenario, c.cell.Point)+" "+c.cell.ID+" "+a.Name)+".log"),
		header:  fmt.Sprintf("--- restart %d, %s pass", restart, pass),
		limit:   seconds(c.cell.Plan.TimeLimit),
	}
}

// newMark names a worker's process tree, uniquely on this machine.
func newMark(run string, n int) string { return fmt.Sprintf("%s-%d-%d", run, os.Getpid(), n) }

var unsafe = regexp.MustCompile(`[^A-Za-z0-9_.=-]+`)

func fileName(s string) string { return unsafe.ReplaceAllString(s, "-") }

func (c *cellRun) prepare(a *arm, pass string) error {
	settings, err := json.Marshal(a.Settings)
	if err != nil {
		return fmt.Errorf("settings of arm %s: %w", a.Name, err)
	}
	resp, err := a.w.ask(protocol.Request{Op: protocol.OpPrepare,
		Prepare: &protocol.Prepare{Settings: settings, Pass: pass, Cache: c.opts.Cache}})
	if err != nil {
		return err
	}
	a.facts = *resp.Facts
	if err := record.CheckFacts(a.facts, a.Settings); err != nil {
		return a.w.blame(failf(record.Invalid, "worker's facts cannot be true: %v", err))
	}
	return nil
}

// entry is the record of a started worker.
func (c *cellRun) entry(a *arm, restart int, pass string, iterations int) record.Entry {
	return record.Entry{Kind: record.KindWorker, Cell: c.cell.ID, Worker: &record.WorkerEntry{
		Arm: a.Name, Restart: restart, Pass: pass, Hello: a.w.hello, Facts: a.facts,
		Start: a.w.loaded, First: a.first, Iterations: iterations}}
}
