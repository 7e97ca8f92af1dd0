package runner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"lensbench/accelerator"
	"lensbench/energy"
	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/progress"
	"lensbench/runner/telemetry"
)

// A session is one invocation at work on one run.
type session struct {
	opts     Options
	run      record.Run
	dir      string
	journal  *record.Journal
	state    *state
	host     *telemetry.Host
	devices  accelerator.Monitor // nil if no cell uses any, or none can be read
	meter    *energy.Meter       // nil if no cell measures energy, or none is counted here
	noEnergy string              // why
	sink     progress.Sink
	forecast *forecast
	began    time.Time // of this session
	offset   float64   // s, from the run's start to began
	started  int       // workers so far

	hellos map[string]protocol.Hello // of workers that were asked what devices they have
}

// Start measures a new run and returns its directory, which is "" if nothing
// was begun. The error is nil if every cell was seen to, however its arms
// ended; otherwise it says what is kept.
func Start(ctx context.Context, opts Options) (dir string, err error) {
	if err := checkCells(opts.Cells); err != nil {
		return "", err
	}
	if err := record.CheckWritable(opts.Runs); err != nil {
		return "", err
	}
	lock, err := lockMachine(ctx, opts.Wait, sinkOf(opts))
	if err != nil {
		return "", err
	}
	defer lock.release()
	run := newRun(opts)
	lock.announce(holder(opts.Runs))
	if run.Machine, err = identify(ctx, run.Cells, opts.Workers); err != nil {
		return "", err
	}
	if err := checkDisk(run.Cells, opts); err != nil {
		return "", err
	}
	if dir, err = record.Create(opts.Runs, &run); err != nil {
		return "", err
	}
	lock.announce(holder(dir))
	journal, err := record.OpenJournal(dir)
	if err != nil {
		return dir, err
	}
	defer journal.Close()
	s := &session{opts: opts, run: run, dir: dir, journal: journal, state: newState(run.Cells), hellos: map[string]protocol.Hello{}, began: run.Started}
	return dir, s.measure(ctx)
}

// Resume goes on with the run in dir at its next block. A run that is finished
// is ErrComplete; a run that another process is measuring, or that began on
// another machine or with another build of a worker, is refused.
func Resume(ctx context.Context, dir string, opts Options) error {
	run, err := record.ReadRun(dir)
	if err != nil {
		return err
	}
	if _, err := opts.Companion.accompanies(run, dir); err != nil {
		return err
	}
	journal, err := record.OpenJournal(dir)
	if errors.Is(err, record.ErrHeld) {
		return fmt.Errorf("%w: %v", err, currentHolder())
	}
	if err != nil {
		return err
	}
	defer journal.Close()
	s := &session{opts: opts, run: run, dir: dir, journal: journal, state: newState(run.Cells), hellos: map[string]protocol.Hello{}, began: time.Now()}
	if err := s.replay(); err != nil {
		return err
	}
	lock, err := lockMachine(ctx, opts.Wait, sinkOf(opts))
	if err != nil {
		return err
	}
	defer lock.release()
	lock.announce(holder(dir))
	if err := s.sameMachine(ctx); err != nil {
		return err
	}
	s.offset = max(s.state.last, s.began.Sub(run.Started).Seconds())
	if err := s.append(record.Entry{Kind: record.KindResume}); err != nil {
		return err
	}
	return s.measure(ctx)
}

// replay rebuilds the state from the journal.
func (s *session) replay() error {
	entries, dropped, err := record.ReadJournal(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.state.apply(e)
	}
	if s.state.complete {
		return fmt.Errorf("%s: %w", s.dir, ErrComplete)
	}
	if dropped > 0 {
		sinkOf(s.opts).Note(fmt.Sprintf("%s of %s could not be read; what was lost is measured again",
			english.Plural(dropped, "line", ""), filepath.Join(s.dir, record.JournalFile)))
	}
	return nil
}

func (s *session) sameMachine(ctx context.Context) error {
	now, err := identify(ctx, s.run.Cells, s.opts.Workers)
	if err != nil {
		return err
	}
	if d := now.Differences(s.run.Machine); len(d) > 0 {
		return fmt.Errorf("%s was begun on a different machine: this one has %s; resume it there", s.dir, strings.Join(d, "; "))
	}
	return nil
}

// measure runs every cell that is not finished.
func (s *session) measure(ctx context.Context) error {
	s.sink = sinkOf(s.opts)
	defer s.sink.Finish()
	host, err := telemetry.Open()
	if err != nil {
		return err
	}
	defer host.Close()
	s.host = host
	s.watchAccelerators()
	if s.devices != nil {
		defer s.devices.Close()
	}
	s.openMeter()
	companion, err := s.opts.Companion.accompanies(s.run, s.dir)
	if err != nil {
		return err
	}
	leave, err := companion.start()
	if err != nil {
		return err
	}
	defer leave()
	s.forecast = newForecast(s.run.Cells, s.state)
	for i := range s.run.Cells {
		if err := s.measureCell(ctx, i); err != nil {
			return s.stopped(ctx, err)
		}
	}
	return s.append(record.Entry{Kind: record.KindEnd})
}

// stopped turns the end of the context into what the user wants to know.
func (s *session) stopped(ctx context.Context, err error) error {
	var write *record.WriteError
	if errors.As(err, &write) {
		return fmt.Errorf("%w; make room and go on with: bench run --resume %s", err, s.dir)
	}
	if ctx.Err() == nil {
		return err
	}
	return &Interrupted{Dir: s.dir, Blocks: s.state.blocks, Total: totalBlocks(s.run.Cells)}
}

// append writes entries to the journal, as one, and then believes them.
func (s *session) append(entries ...record.Entry) error {
	for i := range entries {
		entries[i].Time = s.now()
	}
	if err := s.journal.Append(entries...); err != nil {
		return err
	}
	for _, e := range entries {
		s.state.apply(e)
	}
	return nil
}

// now is the time since the run started, in seconds.
func (s *session) now() float64 { return s.at(time.Now()) }

func (s *session) at(t time.Time) float64 { return s.offset + t.Sub(s.began).Seconds() }

func newRun(opts Options) record.Run {
	run := record.Run{
		Started: time.Now(),
		Command: opts.Command,
		Seed:    opts.Seed,
		Context: record.Host{}.Context(WorkerEnv),
		Cells:   opts.Cells,
		Gate:    opts.Gate,
	}
	run.Context.Absent = telemetry.Absent()
	if opts.Companion != nil {
		run.Context.Beside = opts.Companion.Says
	}
	for run.Seed == 0 {
		run.Seed = rand.Uint64()
	}
	return run
}

func holder(dir string) Holder {
	return Holder{PID: os.Getpid(), Started: time.Now(), Dir: dir, Command: os.Args}
}

func sinkOf(opts Options) progress.Sink {
	if opts.Progress == nil {
		return progress.Discard
	}
	return opts.Progress
}

// totalBlocks is 0 if nobody knows.
func totalBlocks(cells []record.Cell) int {
	n := 0
	for _, c := range cells {
		if c.Plan.Seconds > 0 {
			return 0
		}
		n += c.Plan.Restarts * c.Plan.Blocks
	}
	return n
}
