package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"lensbench/record"
	"lensbench/verdict"
)

// Limits from which on a block is contaminated. Pairs in random order and the
// median over them withstand a little of everything, so that only what is gross
// is left out: it would be noise, and fewer blocks are the better measurement.
const (
	grossShare = 0.25  // of the machine's CPU time during a block, or of its wall time for pressure
	clockJump  = 0.001 // s by which the wall clock may part from the monotonic one in a sample
	clockSlew  = 0.001 // and as a share of the sample: a clock that is being corrected runs up to 0.05 % fast

	mostContaminated = 0.5 // share of a cell's blocks
)

// Causes of contamination, as a report names them.
const (
	byOthers    = "other processes"
	bySteal     = "steal"
	byPressure  = "pressure"
	byClock     = "clock jump"
	byThrottled = "throttled clock"
)

// A blockHost is what the host did during a block, all arms together.
type blockHost struct {
	wall                    float64 // s
	steal, others, pressure float64 // s
	jump                    bool
	throttled               bool
}

// contaminate marks the blocks that are to be left out, in all arms alike.
//
// Whether a block goes depends on what the host did during it and on nothing
// that was measured in it: a rule that looked at durations would choose among
// results. So shares are not of the block's own length, but of that of a usual
// block of the cell. Pressure, which an arm with many threads puts on itself, is
// what exceeds that of a usual block. The first restarts say what is usual, as
// many as come before any planned look, so that a look and the final verdict
// leave out the same.
//
// At most half of a restart's blocks go, the worst first: a restart counts once
// however few blocks it has, and its start is the expensive part. A cell of which
// more are contaminated says so in its status.
func (c *cell) contaminate() {
	hosts := c.blockHosts()
	if len(hosts) == 0 {
		return
	}
	usual := usualBlock(hosts)
	bad := map[int][]place{} // by restart
	causes := map[place]string{}
	excess := map[place]float64{}
	for p, h := range hosts {
		if why, by := h.contaminated(usual, c.cpus()); why != "" {
			causes[p], excess[p] = why, by
			bad[p.restart] = append(bad[p.restart], p)
		}
	}
	c.contamination = nil
	if len(causes) == 0 {
		return
	}
	c.contamination = &record.Contamination{Blocks: len(hosts), Contaminated: len(causes), Causes: map[string]int{}}
	for _, why := range causes {
		c.contamination.Causes[why]++
	}
	c.left = map[place]bool{}
	for r, list := range bad {
		slices.SortFunc(list, func(a, b place) int {
			if excess[a] != excess[b] {
				return int(math.Copysign(1, excess[b]-excess[a]))
			}
			return a.compare(b)
		})
		for _, p := range list[:min(len(list), blocksOf(hosts, r)/2)] {
			c.left[p] = true
		}
	}
	c.contamination.Dropped = len(c.left)
	for i := range c.arms {
		c.arms[i].left = c.left
	}
}

func blocksOf(hosts map[place]blockHost, restart int) (n int) {
	for p := range hosts {
		if p.restart == restart {
			n++
		}
	}
	return n
}

// blockHosts adds up the samples of every block.
func (c *cell) blockHosts() map[place]blockHost {
	hosts := map[place]blockHost{}
	for i := range c.arms {
		for p, s := range c.arms[i].samples {
			h := hosts[p]
			h.wall += s.Wall
			h.steal += s.Host.Steal
			h.others += s.Host.Others
			h.pressure += s.Host.Pressure
			h.jump = h.jump || math.Abs(s.Host.ClockJump) > clockJump+clockSlew*s.Wall
			h.throttled = h.throttled || len(s.Host.Throttled) > 0
			hosts[p] = h
		}
	}
	return hosts
}

// usualBlock has the median of every number, over the blocks of the first
// restarts.
func usualBlock(hosts map[place]blockHost) blockHost {
	var walls, pressures []float64
	for p, h := range hosts {
		if p.restart < verdict.MinRestarts {
			walls, pressures = append(walls, h.wall), append(pressures, h.pressure)
		}
	}
	return blockHost{wall: middle(walls), pressure: middle(pressures)}
}

// middle is the median by nearest rank, 0 of nothing.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[verdict.NearestRank(0.5, len(values))-1]
}

// contaminated names the worst cause, and by how much it exceeds its limit; ""
// of a block that is as it should be.
func (h blockHost) contaminated(usual blockHost, cpus float64) (why string, by float64) {
	limit := grossShare * usual.wall
	if !(limit > 0) {
		return "", 0
	}
	for _, c := range []struct {
		why string
		by  float64
	}{
		{byOthers, h.others / (limit * cpus)},
		{bySteal, h.steal / (limit * cpus)},
		{byPressure, (h.pressure - usual.pressure) / limit},
	} {
		if c.by > 1 && c.by > by {
			why, by = c.why, c.by
		}
	}
	switch { // no matter of degree
	case h.jump:
		return byClock, math.Inf(1)
	case h.throttled:
		return byThrottled, math.Inf(1)
	}
	return why, by
}

// contaminatedReason says that too many blocks were contaminated, "" if not.
func (c *cell) contaminatedReason() string {
	k := c.contamination
	if k == nil || float64(k.Contaminated) <= mostContaminated*float64(k.Blocks) {
		return ""
	}
	return fmt.Sprintf("%d of %d blocks were contaminated (%s); measure again on a quiet machine", k.Contaminated, k.Blocks, causesOf(*k))
}

// causesOf is "other processes 12, steal 3".
func causesOf(k record.Contamination) string {
	var out []string
	for _, why := range slices.Sorted(maps.Keys(k.Causes)) {
		out = append(out, fmt.Sprintf("%s %d", why, k.Causes[why]))
	}
	return strings.Join(out, ", ")
}

// counts says whether the arm's sample at a place counts.
func (a *arm) counts(p place) bool { return !a.left[p] }
