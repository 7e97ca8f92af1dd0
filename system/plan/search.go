package plan

import (
	"errors"
	"slices"
	"time"

	"lensbench/system/model"
	"lensbench/torch"
)

// A Trial is what a way took.
type Trial struct {
	Way
	Rounds []float64 // seconds that a batch took in each turn, medians
}

// Seconds is the median time of a batch.
func (t Trial) Seconds() float64 { return median(t.Rounds) }

// Each round times all ways, so that what slows the machine slows all. A way's turn in
// it is some batches, of which the first third does not count: caches hold another way's
// weights then, and threads are still to be spread over the cores. After its turn a crew
// rests, so that there are no more threads than in the end.
const (
	searchRounds = 5
	leastRounds  = 3
	turnTime     = 200 * time.Millisecond
	leastTurn    = 3               // batches
	searchTime   = 6 * time.Second // after which no round begins, but for the least
)

// lead is by how much a way must be faster than the simplest, which is the first:
// so few rounds say no more than that.
const lead = 0.97

// Search times ways in which threads threads can bring the batch x through a plan, and
// returns a crew that works in the fastest, and all trials, the simplest way first: one
// session and one pass. Sessions of the caller's are to rest meanwhile. Smaller passes keep results in the cache and read weights more
// often; sessions of one thread need not wait for each other after every operator.
func Search(m *model.Model, x *torch.Tensor, o Options, threads int) (best *Crew, trials []Trial, err error) {
	batch := int(x.Shape()[0])
	ways := waysOf(batch, threads)
	var crews []*Crew
	defer func() {
		for _, c := range crews {
			if c != best {
				c.Close()
			}
		}
	}()
	for _, w := range ways {
		c, err := OpenCrew(m, o, w)
		if err != nil {
			return nil, nil, err
		}
		crews = append(crews, c)
	}
	rounds, err := timed(crews, x)
	if err != nil {
		return nil, nil, err
	}
	for i, w := range ways {
		trials = append(trials, Trial{w, rounds[i]})
	}
	best = crews[fastest(trials)]
	return best, trials, nil
}

// timed returns what a batch took each crew in each round.
func timed(crews []*Crew, x *torch.Tensor) ([][]float64, error) {
	rounds := make([][]float64, len(crews))
	begin := time.Now()
	for round := range searchRounds {
		if round >= leastRounds && time.Since(begin) > searchTime {
			break
		}
		for i, c := range crews {
			seconds, err := turn(c, x)
			if err != nil {
				return nil, err
			}
			rounds[i] = append(rounds[i], seconds)
		}
	}
	return rounds, nil
}

// turn returns what a batch takes a crew, once it is in its stride.
func turn(c *Crew, x *torch.Tensor) (_ float64, err error) {
	defer func() { err = errors.Join(err, c.Rest()) }()
	logits := make([]float32, x.Shape()[0])
	var seconds []float64
	begin := time.Now()
	last := begin
	lap := func() {
		now := time.Now()
		seconds = append(seconds, now.Sub(last).Seconds())
		last = now
	}
	for len(seconds) < leastTurn || time.Since(begin) < turnTime {
		if err := c.Repeat(leastTurn, x, logits, lap); err != nil {
			return 0, err
		}
	}
	return median(seconds[len(seconds)/3:]), nil
}

// waysOf are the ways to try, the simplest first.
func waysOf(batch, threads int) []Way {
	ways := []Way{{batch, 1, threads}}
	add := func(images, sessions, threads int) {
		if w := (Way{images, sessions, threads}); images >= 1 && sessions*images <= batch && !slices.Contains(ways, w) {
			ways = append(ways, w)
		}
	}
	add((batch+1)/2, 1, threads)
	add((batch+3)/4, 1, threads)
	add((batch+threads-1)/threads, threads, 1)
	add((batch+2*threads-1)/(2*threads), threads, 1)
	return ways
}

// fastest is the index of the fastest trial among those that are clearly faster than
// the first: in every round, and in the median by the lead. It is 0 if none is.
func fastest(trials []Trial) int {
	best, least := 0, lead
	for i, t := range trials {
		var ratios []float64
		for round, seconds := range t.Rounds {
			ratios = append(ratios, seconds/trials[0].Rounds[round])
		}
		if ratio := median(ratios); ratio < least && slices.Max(ratios) < 1 {
			best, least = i, ratio
		}
	}
	return best
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
