package adaptive

import "testing"

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
	for _, c := range []struct {
		name string
		m    machine
		want int
		over int
	}{
		{"fits the cache", machine{each: mib, limit: 1 << 40, overhead: 0.1, image: 0.001, cache: 64}, 64, 0},
		{"the budget comes first", machine{fixed: 100 * mib, each: 20 * mib, limit: 940 * mib, overhead: 0.1, image: 0.0001, cache: 4096}, 32, 0},
		{"the most comes first", machine{each: 1, limit: 1 << 40, overhead: 10, image: 0.001, cache: 1 << 20}, 1024, 0},
		{"no gain at all", machine{each: mib, limit: 1 << 40, image: 0.001, cache: 1 << 20}, 4, 0},
		// Memory that grows faster than a line: the forecast is wrong once.
		{"more than expected", machine{each: 20 * mib, limit: 300 * mib, overhead: 0.1, image: 0.0001, cache: 4096}, 8, 1},
	} {
		r := &Throughput{Limits: Limits{1, 1024}, Budget: 940 * mib, Gain: 0.03}
		path, over := play(r, c.m, 4, 60)
		if got := path[len(path)-1]; got != c.want || !r.Settled() || over != c.over || r.Report().Oscillates {
			t.Errorf("%s: %v (%d times out of memory), want it to stay at %d", c.name, path, over, c.want)
		}
	}
}

// The first batch may be too large already.
func TestThroughputBeginsTooLarge(t *testing.T) {
	r := &Throughput{Limits: Limits{1, 1024}, Budget: 1 << 40, Gain: 0.03, Steps: 1}
	path, over := play(r, machine{each: mib, limit: 100 * mib, overhead: 0.1, image: 0.001, cache: 1 << 20}, 512, 10)
	if over != 4 || path[len(path)-1] != 64 || r.Report().OutOfMemory != 4 {
		t.Errorf("%v, out of memory %d times", path, over)
	}
}
