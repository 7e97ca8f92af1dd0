package adaptive

import (
	"slices"
	"testing"
)

// A machine is what steps take on it: memory grows with the batch, and so does the
// rate, up to where the cache is full.
type machine struct {
	fixed, each int64   // bytes
	limit       int64   // bytes; above, memory runs out
	overhead    float64 // s of a step
	image       float64 // s of an image
	cache       int     // images, beyond which one takes five times as long
}

func (m machine) step(batch int) Observation {
	o := Observation{Batch: batch, Peak: m.fixed + m.each*int64(batch), Seconds: m.overhead + m.image*float64(batch)}
	if batch > m.cache {
		o.Seconds += 4 * m.image * float64(batch-m.cache)
	}
	o.OutOfMemory = o.Peak > m.limit
	return o
}

func play(r Rule, m machine, batch, steps int) (path []int, over int) {
	for range steps {
		o := m.step(batch)
		path = append(path, batch)
		if o.OutOfMemory {
			over++
		}
		batch = r.Next(o)
	}
	return path, over
}

const mib = 1 << 20

func TestDoubling(t *testing.T) {
	for _, c := range []struct {
		name       string
		m          machine
		batch      int
		last       int
		oscillates bool
		over       int
	}{
		{"stops between the shares", machine{fixed: 100 * mib, each: 12 * mib, limit: 1000 * mib}, 8, 64, false, 0},
		{"stops at the most", machine{each: mib / 8, limit: 1000 * mib}, 8, 1024, false, 0},
		// 400 + 128·4 = 912 is above 95 % of the budget of 940, 400 + 64·4 below 80 %.
		{"goes to and fro", machine{fixed: 400 * mib, each: 4 * mib, limit: 1000 * mib}, 64, 0, true, 0},
		{"runs out of memory, again and again", machine{fixed: 100 * mib, each: 9 * mib, limit: 940 * mib}, 64, 0, true, 9},
	} {
		r := &Doubling{Limits: Limits{1, 1024}, Budget: 940 * mib, Low: 0.8, High: 0.95}
		path, over := play(r, c.m, c.batch, 20)
		if got := path[len(path)-1]; c.last != 0 && got != c.last || r.Report().Oscillates != c.oscillates {
			t.Errorf("%s: %v, %+v", c.name, path, r.Report())
		}
		if (over > 0) != (c.over > 0) || r.Report().OutOfMemory != over {
			t.Errorf("%s: out of memory %d times, the report says %+v", c.name, over, r.Report())
		}
	}
}

func TestThroughput(t *testing.T) {
	cached := machine{each: mib, limit: 1 << 40, overhead: 0.1, image: 0.001, cache: 64}
	for _, c := range []struct {
		name  string
		m     machine
		begin int
		path  []int // one step at each
		over  int
	}{
		{"fits the cache", cached, 4, []int{4, 8, 16, 32, 64, 128, 64}, 0},
		{"began at the best", cached, 64, []int{64, 128, 32, 64}, 0},
		{"began above the best", cached, 512, []int{512, 1024, 256, 128, 64, 32, 64}, 0},
		{"began at the largest", cached, 1024, []int{1024, 512, 256, 128, 64, 32, 64}, 0},
		{"the budget comes first", machine{fixed: 100 * mib, each: 20 * mib, limit: 940 * mib, overhead: 0.1, image: 0.0001, cache: 4096}, 4, []int{4, 8, 16, 32}, 0},
		{"the budget forbids more", machine{each: 20 * mib, limit: 940 * mib, overhead: 0.01, image: 0.001, cache: 8}, 32, []int{32, 64, 16, 8, 4, 8}, 1},
		{"most does not grow", machine{fixed: 600 * mib, each: 2 * mib, limit: 940 * mib, overhead: 0.1, image: 0.0001, cache: 4096}, 32, []int{32, 64, 128}, 0},
		{"the most comes first", machine{each: 1, limit: 1 << 40, overhead: 10, image: 0.001, cache: 1 << 20}, 256, []int{256, 512, 1024}, 0},
		{"no gain at all", machine{each: mib, limit: 1 << 40, image: 0.001, cache: 1 << 20}, 4, []int{4, 8, 2, 4}, 0},
		{"every image alone", machine{each: mib, limit: 1 << 40, overhead: 0.0001, image: 0.001, cache: 1}, 4, []int{4, 8, 2, 1}, 0},
		// Memory that grows faster than a line: the forecast is wrong once.
		{"more than expected", machine{each: 20 * mib, limit: 300 * mib, overhead: 0.1, image: 0.0001, cache: 4096}, 4, []int{4, 8, 16, 8}, 1},
		{"the first is too large", machine{each: mib, limit: 100 * mib, overhead: 0.1, image: 0.001, cache: 1 << 20}, 512, []int{512, 256, 128, 64, 32, 64}, 3},
		{"and those below are better", machine{each: mib, limit: 100 * mib, overhead: 0.001, image: 0.001, cache: 16}, 256, []int{256, 128, 64, 32, 16, 8, 16}, 2},
	} {
		for _, steps := range []int{1, 4} {
			r := &Throughput{Limits: Limits{1, 1024}, Budget: 940 * mib, Gain: 0.03, Steps: steps}
			if c.m.limit == 1<<40 {
				r.Budget = 1 << 40
			}
			path, over := play(r, c.m, c.begin, 60)
			want := c.path[len(c.path)-1]
			if got := path[len(path)-1]; got != want || !r.Settled() || over != c.over || r.Report().OutOfMemory != over || r.Report().Oscillates {
				t.Errorf("%s: %v (%d times out of memory), want it to stay at %d", c.name, path, over, want)
			}
			if got := slices.Compact(slices.Clone(path)); !slices.Equal(got, c.path) {
				t.Errorf("%s: %v, want %v", c.name, got, c.path)
			}
		}
	}
}

// What fitted may not fit later, when something else takes memory: the search begins
// anew below it.
func TestThroughputLosesItsBatch(t *testing.T) {
	r := &Throughput{Limits: Limits{1, 1024}, Budget: 1 << 40, Gain: 0.03, Steps: 1}
	m := machine{each: mib, limit: 100 * mib, overhead: 0.1, image: 0.001, cache: 64}
	if path, _ := play(r, m, 64, 5); path[4] != 64 {
		t.Fatalf("%v", path)
	}
	m.limit = 50 * mib
	if path, over := play(r, m, 64, 8); over != 1 || path[7] != 32 || !r.Settled() {
		t.Errorf("%v, out of memory %d times", path, over)
	}
}
