package runner

import (
	"context"
	"errors"
	"fmt"

	"lensbench/accelerator"
	"lensbench/record"
	"lensbench/runner/progress"
)

// Options say what to run and with what.
type Options struct {
	Cells   []record.Cell // what to measure, in this order; Resume takes them from the run
	Runs    string        // directory in which the run's directory is made; Resume ignores it
	Command []string      // arguments that make this run again, kept in the record
	Seed    uint64        // of every random order; 0 chooses one. Resume ignores it
	Gate    *record.Gate  // of a run that compares builds; Resume takes it from the run

	Workers  map[string]Command // how to start each worker that an arm may name
	Cache    string             // absolute directory for derived data, handed to workers
	Progress progress.Sink      // nil shows nothing
	Wait     bool               // wait while another run uses this machine, instead of refusing

	// Settled looks at a cell after a planned number of restarts, at what its journal says,
	// and returns the variants that need not be measured any longer. Equal entries must
	// settle the same; nil is judge.Settled. Resume needs that of the run.
	Settled func(m record.Machine, c record.Cell, entries []record.Entry, restarts int) []string

	// Companion runs beside all arms of a new run; nil is none. Resume needs that of the run.
	Companion *Companion

	// Accelerators opens the monitor of the machine's accelerators, for cells that
	// use one; nil is accelerator.Open.
	Accelerators func() (accelerator.Monitor, error)

	// Root is where the counters of energy lie below; "" but in tests.
	Root string
}

// A Command starts a worker.
type Command struct {
	Argv    []string // program and arguments; the program is looked up on PATH if it has no slash
	Env     []string // "KEY=value", added to bench's own environment
	Install string   // what to do if the program is not there, e.g. "build it with: make build"

	// Optional says that a machine may do without the program: arms that need it
	// are then skipped instead of failed.
	Optional bool
}

// ErrComplete means that there is nothing to resume.
var ErrComplete = errors.New("run is complete; nothing is left to resume")

// Interrupted means that the context ended before the run did. Everything up
// to the last complete block is in the journal.
type Interrupted struct {
	Dir    string // of the run
	Blocks int    // complete, kept
	Total  int    // that the run has in all; 0 if its time decides that
}

func (e *Interrupted) Error() string {
	of := ""
	if e.Total > 0 {
		of = fmt.Sprintf(" of %d", e.Total)
	}
	return fmt.Sprintf("interrupted: %d%s blocks are kept in %s; go on with: bench run --resume %s", e.Blocks, of, e.Dir, e.Dir)
}

// Unwrap makes errors.Is(err, context.Canceled) true.
func (e *Interrupted) Unwrap() error { return context.Canceled }

// Busy means that another run is using this machine.
type Busy struct {
	Lock   string // path of the lock file
	Holder Holder
}

func (e *Busy) Error() string {
	return fmt.Sprintf("this machine is in use by %v (lock %s)", e.Holder, e.Lock)
}
