package judge

import (
	"fmt"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
	"lensbench/verdict"
)

// A journal is a run's entries, sorted.
type journal struct {
	cells    []cell // in the run's order
	complete bool   // the run was finished
}

// A cell is what was measured of one cell.
type cell struct {
	record.Cell
	machine  record.Machine
	complete bool                // the run was finished
	arms     []arm               // in the cell's order, the control first
	ended    *record.StatusEntry // the cell's own status, nil if none
	looks    []verdict.Look      // planned; nil if the number of restarts is fixed
	at       verdict.Look        // that all comparisons are made at; zero: the last one reached of looks
	stops    map[string]int      // variant → restarts after which a look settled it, as the runner wrote down
	session  int                 // resumptions so far, while entries are sorted
	quick    bool                // only outcomes and intervals are wanted

	contamination *record.Contamination // nil if no block was contaminated
	left          map[place]bool        // blocks that are left out
}

// An arm is what was measured of one arm.
type arm struct {
	record.Arm
	places  []place // of its samples, ascending
	samples map[place]record.Sample
	workers map[int]record.WorkerEntry // restart → its first process of the time pass
	memory  []record.MemoryEntry
	profile *record.Profile // nil: not asked for
	energy  []record.EnergyEntry
	outputs []record.OutputEntry
	left    map[place]bool // of the cell
	written map[place]int  // session that wrote the sample
	twice   error          // a place that one session wrote two different samples of
	status  string         // record.OK until something else is found
	reason  string
}

// A place is where in a run a block stands. Samples of one place are a pair.
type place struct{ restart, block int }

func (p place) compare(q place) int {
	if p.restart != q.restart {
		return p.restart - q.restart
	}
	return p.block - q.block
}

// sortEntries gives every entry to its arm. Entries of cells and arms that the
// run does not have are left out: they can only come from a damaged line.
func sortEntries(run record.Run, entries []record.Entry) journal {
	var j journal
	byID := map[string]int{}
	for i, rc := range run.Cells {
		byID[rc.ID] = i
		c := cell{Cell: rc, machine: run.Machine, stops: map[string]int{}}
		for _, a := range rc.Arms {
			c.arms = append(c.arms, arm{Arm: a, status: record.OK,
				samples: map[place]record.Sample{}, written: map[place]int{}, workers: map[int]record.WorkerEntry{}})
		}
		j.cells = append(j.cells, c)
	}
	for _, e := range entries {
		if e.Kind == record.KindEnd {
			j.complete = true
		}
		if e.Kind == record.KindResume {
			for i := range j.cells {
				j.cells[i].session++
			}
		}
		if i, ok := byID[e.Cell]; ok {
			j.cells[i].take(e)
		}
	}
	for i := range j.cells {
		j.cells[i].looks = planned(j.cells[i].Plan)
		j.cells[i].complete = j.complete
		j.cells[i].contaminate()
		j.cells[i].finish()
	}
	return j
}

func (c *cell) take(e record.Entry) {
	switch {
	case e.Block != nil:
		for _, s := range e.Block.Samples {
			if a := c.arm(s.Arm); a != nil {
				a.takeSample(place{e.Block.Restart, e.Block.Block}, s, c.session)
			}
		}
	case e.Worker != nil:
		if a := c.arm(e.Worker.Arm); a != nil {
			a.takeWorker(*e.Worker)
		}
	case e.Memory != nil:
		if a := c.arm(e.Memory.Arm); a != nil {
			a.memory = append(a.memory, *e.Memory)
		}
	case e.Profile != nil:
		if a := c.arm(e.Profile.Arm); a != nil {
			a.profile = &e.Profile.Profile
		}
	case e.Energy != nil:
		if a := c.arm(e.Energy.Arm); a != nil {
			a.energy = append(a.energy, *e.Energy)
		}
	case e.Outputs != nil:
		if a := c.arm(e.Outputs.Arm); a != nil {
			a.outputs = append(a.outputs, *e.Outputs)
		}
	case e.Look != nil:
		c.takeLook(*e.Look)
	case e.Status != nil:
		c.takeStatus(*e.Status)
	}
}

func (c *cell) arm(name string) *arm {
	for i := range c.arms {
		if c.arms[i].Name == name {
			return &c.arms[i]
		}
	}
	return nil
}

// takeSample keeps the first sample of a place. A second one is no harm if it is
// the same, or if the run was resumed in between; otherwise somebody chose.
func (a *arm) takeSample(p place, s record.Sample, session int) {
	first, dup := a.samples[p]
	if !dup {
		a.samples[p], a.written[p] = s, session
		a.places = append(a.places, p)
	} else if a.written[p] == session && !sameTimes(first, s) && a.twice == nil {
		a.twice = fmt.Errorf("restart %d, block %d: two samples that differ, of one session", p.restart, p.block)
	}
}

// takeWorker keeps the first process of a restart: one that took over after an
// interruption starts with warm caches.
func (a *arm) takeWorker(w record.WorkerEntry) {
	if _, dup := a.workers[w.Restart]; !dup && w.Pass == protocol.PassTime {
		a.workers[w.Restart] = w
	}
}

func (c *cell) takeLook(l record.LookEntry) {
	for _, name := range l.Settled {
		if _, before := c.stops[name]; !before {
			c.stops[name] = l.Restarts
		}
	}
}

// takeStatus keeps the first status, which is the cause of those that follow.
func (c *cell) takeStatus(s record.StatusEntry) {
	if s.Arm == "" {
		if c.ended == nil {
			c.ended = &s
		}
		return
	}
	if a := c.arm(s.Arm); a != nil && a.status == record.OK {
		a.status, a.reason = s.Status, s.Reason
	}
}

// finish finds what is wrong with arms beyond what the runner saw. A sample
// that contradicts itself outranks all: no number of its arm can be believed.
func (c *cell) finish() {
	for i := range c.arms {
		slices.SortFunc(c.arms[i].places, place.compare)
	}
	for i := range c.arms {
		a := &c.arms[i]
		if err := a.check(); err != nil {
			a.status, a.reason = record.Invalid, err.Error()
		} else if err := c.authentic(a); err != nil {
			a.status, a.reason = record.Invalid, err.Error()
		} else if a.status != record.OK {
			continue
		} else if o := a.failedOutputs(); o != nil {
			a.status, a.reason = record.QualityFail, c.mismatch(*o)
		} else if len(a.places) == 0 {
			a.status, a.reason = record.Insufficient, "not measured: the "+c.stopped()
		}
	}
}

// stopped says what came to its end too early.
func (c *cell) stopped() string {
	switch {
	case c.ended != nil:
		return "cell ended before"
	case !c.complete:
		return "run was interrupted before"
	}
	return "journal has no sample of it"
}

// check says what contradicts itself in the arm's samples.
func (a *arm) check() error {
	for _, p := range a.places {
		s := a.samples[p]
		if s.Iterations < 1 {
			return fmt.Errorf("restart %d, block %d: a sample of %d iterations", p.restart, p.block, s.Iterations)
		}
		if err := s.Check(a.itemsPerIteration(s)); err != nil {
			return fmt.Errorf("restart %d, block %d: %w", p.restart, p.block, err)
		}
	}
	return nil
}

// itemsPerIteration is what the worker said when it was prepared. If that line
// of the journal is lost, the sample must do.
func (a *arm) itemsPerIteration(s record.Sample) int {
	if w, ok := a.firstWorker(); ok {
		return w.Facts.ItemsPerIteration
	}
	return s.Said.Items / max(1, s.Iterations)
}

// firstWorker is the arm's process with the lowest restart.
func (a *arm) firstWorker() (first record.WorkerEntry, ok bool) {
	for _, w := range a.workers {
		if !ok || w.Restart < first.Restart {
			first, ok = w, true
		}
	}
	return first, ok
}

func (a *arm) failedOutputs() *record.OutputEntry {
	for i := range a.outputs {
		if !a.outputs[i].Pass {
			return &a.outputs[i]
		}
	}
	return nil
}

// mismatch says how outputs differ. Journals of older builds have numbers only.
func (c *cell) mismatch(o record.OutputEntry) string {
	switch {
	case o.Why != "":
		return o.Why
	case c.Equal == nil:
		return fmt.Sprintf("outputs differ from the control's by up to %.3g", float64(o.Worst))
	}
	return fmt.Sprintf("%s differ from the control's by up to %.3g; the tolerance is %g", c.Equal.Output, float64(o.Worst), c.Equal.Tolerance)
}

// restarts counts the restarts of which the arm has samples.
func (a *arm) restarts() int {
	n := 0
	for i, p := range a.places {
		if i == 0 || p.restart != a.places[i-1].restart {
			n++
		}
	}
	return n
}
