package calibration

import (
	"fmt"

	"lensbench/record"
)

// parts are the entries of a journal by restart.
type parts struct {
	restarts [][]record.Entry // workers and blocks of complete restarts
	seconds  float64          // of measuring them, starts included
	status   *record.StatusEntry
}

// cut sorts entries by restart and keeps the complete ones: every block, of both
// arms. Time in which nothing measured, between a kill and a resumption, is not
// counted.
func cut(c record.Cell, entries []record.Entry) parts {
	var p parts
	type open struct {
		entries []record.Entry
		blocks  map[int]bool
	}
	restarts := map[int]*open{}
	at := func(r int) *open {
		if restarts[r] == nil {
			restarts[r] = &open{blocks: map[int]bool{}}
		}
		return restarts[r]
	}
	last, most := 0.0, -1
	for _, e := range entries {
		if e.Kind != record.KindResume {
			p.seconds += max(0, e.Time-last)
		}
		last = max(last, e.Time)
		switch {
		case e.Cell != c.ID:
		case e.Worker != nil:
			o := at(e.Worker.Restart)
			o.entries = append(o.entries, e)
		case e.Block != nil:
			most = max(most, e.Block.Restart)
			o := at(e.Block.Restart)
			o.entries = append(o.entries, e)
			o.blocks[e.Block.Block] = o.blocks[e.Block.Block] || len(e.Block.Samples) == len(c.Arms)
		case e.Status != nil && p.status == nil:
			p.status = e.Status
		}
	}
	for r := range most + 1 {
		if o := restarts[r]; o != nil && whole(o.blocks, c.Plan.Blocks) {
			p.restarts = append(p.restarts, o.entries)
		}
	}
	return p
}

func whole(blocks map[int]bool, want int) bool {
	for b := range want {
		if !blocks[b] {
			return false
		}
	}
	return true
}

// ended is the reason if an arm did not end well: then there is nothing to
// calibrate with.
func (p parts) ended() error {
	if p.status == nil {
		return nil
	}
	return fmt.Errorf("arm %s: %s: %s", p.status.Arm, p.status.Status, p.status.Reason)
}

// set is the journal of a run that has only the restarts from first on.
func (p parts) set(first, restarts int) []record.Entry {
	var out []record.Entry
	for r, entries := range p.restarts[first : first+restarts] {
		for _, e := range entries {
			if e.Worker != nil {
				w := *e.Worker
				w.Restart = r
				e.Worker = &w
			}
			if e.Block != nil {
				b := *e.Block
				b.Restart = r
				e.Block = &b
			}
			out = append(out, e)
		}
	}
	return append(out, record.Entry{Kind: record.KindEnd})
}
