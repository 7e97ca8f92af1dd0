package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"lensbench/record"
)

// enough equal times, to the last bit, are no accident: clocks count nanoseconds.
const enough = 8

// authentic says what in an arm's part of the journal the runner cannot have
// written of a worker that works, or nil. Each sample may be true by itself and
// the whole still be wrong: repeated, copied, picked, or of another program.
func (c *cell) authentic(a *arm) error {
	if a.twice != nil {
		return a.twice
	}
	for _, check := range []func(*arm) error{c.oneBuild, c.sameIterations, c.ascending, c.unbroken, c.alive, c.fresh, c.own} {
		if err := check(a); err != nil {
			return err
		}
	}
	return nil
}

// oneBuild: an arm is one program, in every restart.
func (c *cell) oneBuild(a *arm) error {
	first, ok := a.firstWorker()
	for _, r := range slices.Sorted(maps.Keys(a.workers)) {
		w := a.workers[r]
		if ok && w.Hello.Build != first.Hello.Build {
			return fmt.Errorf("restart %d: its worker is build %q, in restart %d it was build %q; it was built anew while it was measured", r, w.Hello.Build, first.Restart, first.Hello.Build)
		}
	}
	return nil
}

// sameIterations: the first restart of a cell fixes them for all.
func (c *cell) sameIterations(a *arm) error {
	first, ok := a.firstWorker()
	if !ok || first.Iterations < 1 {
		return nil
	}
	for _, p := range a.places {
		if n := a.samples[p].Iterations; n != first.Iterations {
			return fmt.Errorf("restart %d, block %d: a sample of %s, where all have %d", p.restart, p.block, count(n, "iteration"), first.Iterations)
		}
	}
	return nil
}

// ascending: the runner's clock only goes forwards, within a run and over its
// resumptions.
func (c *cell) ascending(a *arm) error {
	last := math.Inf(-1)
	for _, p := range a.places {
		start := a.samples[p].Start
		if start < last {
			return fmt.Errorf("restart %d, block %d: it began %.3g s before the block that it follows", p.restart, p.block, last-start)
		}
		last = start
	}
	return nil
}

// unbroken: an arm that is left out of a block has ended or is settled, and does
// not come back. Leaving out samples is choosing among results.
func (c *cell) unbroken(a *arm) error {
	if len(a.places) == 0 {
		return nil
	}
	last := a.places[len(a.places)-1]
	for i := range c.arms {
		for _, p := range c.arms[i].places {
			if _, has := a.samples[p]; !has && p.compare(last) < 0 {
				return fmt.Errorf("restart %d, block %d: it has no sample there, but goes on after it", p.restart, p.block)
			}
		}
	}
	return nil
}

// alive: work that takes time takes another time each time.
func (c *cell) alive(a *arm) error {
	if a.Settings.Kind == nullKind || len(a.places) < enough {
		return nil
	}
	first := a.samples[a.places[0]].Said.Wall
	for _, p := range a.places {
		if a.samples[p].Said.Wall != first {
			return nil
		}
	}
	return fmt.Errorf("all of its %d samples took %v s to the last bit; they were not measured", len(a.places), first)
}

// fresh: no restart is another one again.
func (c *cell) fresh(a *arm) error {
	if a.Settings.Kind == nullKind {
		return nil
	}
	seen := map[int][]float64{}
	for _, p := range a.places {
		seen[p.restart] = append(seen[p.restart], a.samples[p].Said.Durations...)
	}
	order := map[float64]int{} // first duration → restart
	for _, p := range a.places {
		d := seen[p.restart]
		if p.block != 0 || len(d) < enough/2 {
			continue
		}
		if r, again := order[d[0]]; again && slices.Equal(seen[r], d) {
			return fmt.Errorf("restart %d repeats restart %d to the last bit", p.restart, r)
		}
		order[d[0]] = p.restart
	}
	return nil
}

// own: no two arms have the same samples.
func (c *cell) own(a *arm) error {
	if a.Settings.Kind == nullKind {
		return nil
	}
	for i := range c.arms {
		b := &c.arms[i]
		if b.Name == a.Name {
			break // of two, the later one is the copy
		}
		equal := 0
		for _, p := range a.places {
			other, both := b.samples[p]
			if both && sameTimes(a.samples[p], other) {
				equal++
			}
		}
		if equal >= enough {
			return fmt.Errorf("%d of its %d samples are those of arm %s to the last bit", equal, len(a.places), b.Name)
		}
	}
	return nil
}

func sameTimes(a, b record.Sample) bool {
	return a.Said.Wall == b.Said.Wall && slices.Equal(a.Said.Durations, b.Said.Durations)
}
