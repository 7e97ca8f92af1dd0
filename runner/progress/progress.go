// Package progress shows where a run stands while it is measured.
//
// The runner tells a Sink between samples, never during one: a redraw takes
// CPU time from the measured process, and on two cores that shows. A Sink has
// no goroutine and no timer of its own for the same reason; what it draws is
// as old as the last sample.
//
// On a terminal the state is one line that is drawn over; in a log it is a
// plain line now and then.
package progress

// A State is where a run stands.
type State struct {
	Cell, Cells       int     // of the cell, from 1; number of cells
	Name              string  // of the cell, e.g. "ensemble-parallel batch=8"
	Phase             string  // one of the phases below
	Arm               string  // at work, "" if all are
	Restart, Restarts int     // from 1; 0 restarts: nobody knows how many
	Block, Blocks     int     // complete in this restart; per restart
	Done              float64 // share of the whole run, by time, 0 to 1
	Remaining         float64 // s, estimated
	Running           *Running
}

// Phases of a cell.
const (
	Starting  = "starting"
	Warming   = "warming up"
	Checking  = "checking outputs"
	Measuring = "measuring"
	Memory    = "memory pass"
	Profiling = "profile pass"
	Energy    = "energy pass"
)

// Running is a first impression of one comparison: the mean log-ratio of the
// blocks so far with two standard errors, as if blocks were independent. The
// verdict at the end is computed differently, and is the one to quote.
type Running struct {
	Variant   string
	Ratio     float64 // of throughput, variant ÷ control
	Low, High float64 // equal to Ratio until there are two blocks
}

// A Sink is told where a run stands. Methods are called from one goroutine.
type Sink interface {
	Update(State)
	Note(text string) // a line that stays: an arm was skipped, another run is waited for
	Finish()          // no more calls come; the cursor is left on a line of its own
}

// Discard shows nothing.
var Discard Sink = discard{}

type discard struct{}

func (discard) Update(State) {}
func (discard) Note(string)  {}
func (discard) Finish()      {}
