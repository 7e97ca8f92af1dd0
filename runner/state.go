package runner

import (
	"lensbench/record"
)

// A state is what the journal says has been done. Entries change it in one
// place, whether they were just written or are read back to resume, so a
// resumed run cannot know more or less than one that was never stopped.
type state struct {
	cells    map[string]*cellState
	workers  map[[2]string]string // cell, arm → worker
	builds   map[string]string    // worker → build, of its first process
	blocks   int                  // complete, in all cells
	last     float64              // s, time of the last entry
	at       string               // cell of the last entry, "" of none
	complete bool
	looked   map[string]bool // cells whose plan has looks: what they measured is kept for them
}

// A cellState is what has been done of one cell.
type cellState struct {
	ended      bool                          // by a status of its own
	lost       map[string]record.StatusEntry // arms that ended with a status
	spent      float64                       // s on it so far, but for pauses between sessions
	iterations int                           // per sample, 0 until chosen
	next       map[int]int                   // restart → its next block
	memory     map[pass]peaks
	energy     map[pass]bool
	powerless  map[string]bool // arms whose energy cannot be counted
	countless  map[string]bool // arms whose worker cannot count memory
	profiled   map[string]bool // arms whose profile was made, or cannot be
	checked    map[check]bool
	verify     map[string]float64 // s that an arm took for its outputs before the first block
	settled    map[string]int     // variant → restarts after which a look settled it
	looks      map[int]bool       // restarts after which it was looked at
	entries    []record.Entry     // what a look needs to know, in a cell with looks
}

// A pass is one memory or energy pass.
type pass struct {
	arm     string
	restart int
}

// peaks are the results of a memory pass, in bytes.
type peaks struct{ tensors, activations int64 }

// A check is one comparison of outputs.
type check struct {
	arm     string
	when    string // "before" or "after"
	restart int    // of one after; one before is for all restarts
}

func checkOf(arm, when string, restart int) check {
	if when == before {
		restart = 0
	}
	return check{arm, when, restart}
}

func newState(cells []record.Cell) *state {
	s := &state{cells: map[string]*cellState{}, workers: map[[2]string]string{}, builds: map[string]string{}, looked: map[string]bool{}}
	for _, c := range cells {
		s.looked[c.ID] = len(c.Plan.Looks) > 0
		for _, a := range c.Arms {
			s.workers[[2]string{c.ID, a.Name}] = a.Worker
		}
	}
	return s
}

func (s *state) cell(id string) *cellState {
	c := s.cells[id]
	if c == nil {
		c = &cellState{lost: map[string]record.StatusEntry{}, next: map[int]int{}, memory: map[pass]peaks{}, energy: map[pass]bool{}, powerless: map[string]bool{}, countless: map[string]bool{}, profiled: map[string]bool{},
			checked: map[check]bool{}, verify: map[string]float64{}, settled: map[string]int{}, looks: map[int]bool{}}
		s.cells[id] = c
	}
	return c
}

func (s *state) apply(e record.Entry) {
	if e.Cell != "" && e.Cell == s.at {
		s.cell(e.Cell).spent += max(0, e.Time-s.last)
	}
	s.last, s.at = max(s.last, e.Time), e.Cell
	if s.looked[e.Cell] && (e.Kind == record.KindWorker || e.Kind == record.KindBlock || e.Kind == record.KindStatus) {
		c := s.cell(e.Cell)
		c.entries = append(c.entries, e)
	}
	switch e.Kind {
	case record.KindWorker:
		s.applyWorker(e)
	case record.KindBlock:
		s.blocks++
		c := s.cell(e.Cell)
		c.next[e.Block.Restart] = max(c.next[e.Block.Restart], e.Block.Block+1)
	case record.KindMemory:
		c := s.cell(e.Cell)
		c.memory[pass{e.Memory.Arm, e.Memory.Restart}] = peaks{e.Memory.TensorPeak, e.Memory.ActivationPeak()}
		c.countless[e.Memory.Arm] = e.Memory.TensorPeak == 0
	case record.KindProfile:
		s.cell(e.Cell).profiled[e.Profile.Arm] = true
	case record.KindEnergy:
		c := s.cell(e.Cell)
		c.energy[pass{e.Energy.Arm, e.Energy.Restart}] = true
		c.powerless[e.Energy.Arm] = c.powerless[e.Energy.Arm] || e.Energy.Absent != ""
	case record.KindOutputs:
		// Outputs that differ are followed by a status. If the run was killed
		// in between, they must be compared again to get it.
		c, o := s.cell(e.Cell), e.Outputs
		c.checked[checkOf(o.Arm, o.When, o.Restart)] = o.Pass
		if o.When == before {
			c.verify[o.Arm] = o.Seconds
		}
	case record.KindStatus:
		if e.Status.Arm == "" {
			s.cell(e.Cell).ended = true
		} else {
			s.cell(e.Cell).lost[e.Status.Arm] = *e.Status
		}
	case record.KindLook:
		c := s.cell(e.Cell)
		c.looks[e.Look.Restarts] = true
		for _, name := range e.Look.Settled {
			if _, before := c.settled[name]; !before {
				c.settled[name] = e.Look.Restarts
			}
		}
	case record.KindEnd:
		s.complete = true
	}
}

func (s *state) applyWorker(e record.Entry) {
	w := e.Worker
	name := s.workers[[2]string{e.Cell, w.Arm}]
	if _, known := s.builds[name]; !known {
		s.builds[name] = w.Hello.Build
	}
	if c := s.cell(e.Cell); w.Pass == timePass && c.iterations == 0 {
		c.iterations = w.Iterations
	}
}

// repeats says whether all memory passes of an arm had the same peaks.
func (c *cellState) repeats(arm string) bool {
	var first *peaks
	for p, peak := range c.memory {
		if p.arm != arm {
			continue
		}
		if first != nil && peak != *first {
			return false
		}
		first = &peak
	}
	return true
}
