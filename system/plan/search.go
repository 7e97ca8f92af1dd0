package plan

import (
	"slices"
	"time"

	"lensbench/system/model"
	"lensbench/torch"
)

// A Trial is what a way took.
type Trial struct {
	Way
	Seconds float64 `json:"seconds"` // median time of a batch
}

// Each round times all ways, so that what slows the machine slows all. A way's turn in
// it is a few batches, of which the first does not count: caches hold another way's
// weights then, and its idle threads still look for work.
const (
	searchRounds = 7
	leastRounds  = 3
	turn         = 3               // batches
	searchTime   = 4 * time.Second // after which no round begins, but for the least
)

// lead is by how much a way must be faster than the simplest, which is the first:
// a dozen times say no more than that.
const lead = 0.97

// Search times ways in which threads threads can bring the batch x through a plan, and
// returns a crew that works in the fastest, and all trials, the simplest way first: one
// session and one pass. Smaller passes keep results in the cache and read weights more
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
	seconds, err := timed(crews, x)
	if err != nil {
		return nil, nil, err
	}
	for i, w := range ways {
		trials = append(trials, Trial{w, median(seconds[i])})
	}
	best = crews[fastest(trials)]
	return best, trials, nil
}

// timed returns how long each crew took for the batch x, as often as it was timed.
func timed(crews []*Crew, x *torch.Tensor) ([][]float64, error) {
	logits := make([]float32, x.Shape()[0])
	seconds := make([][]float64, len(crews))
	begin := time.Now()
	for round := range searchRounds {
		if round >= leastRounds && time.Since(begin) > searchTime {
			break
		}
		for i, c := range crews {
			for batch := range turn {
				begin := time.Now()
				if err := c.Forward(x, logits); err != nil {
					return nil, err
				}
				if batch > 0 {
					seconds[i] = append(seconds[i], time.Since(begin).Seconds())
				}
			}
		}
	}
	return seconds, nil
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

// fastest is the index of the fastest trial, 0 if none is clearly faster.
func fastest(trials []Trial) int {
	best := 0
	for i, t := range trials {
		if t.Seconds < trials[best].Seconds && t.Seconds < lead*trials[0].Seconds {
			best = i
		}
	}
	return best
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
