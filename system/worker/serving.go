package worker

import (
	"slices"
	"time"

	"lensbench/protocol"
	"lensbench/system/nn"
	"lensbench/system/traffic"
)

// A network is work that answers queries.
type network interface {
	work
	// query scores count images together, those from number first on of a row without
	// end that repeats the images: the logits of each member. They are on the host.
	query(first, count int) ([][]float32, error)
}

// A serving is a network in use: an iteration is a query.
type serving struct {
	network
	plan    traffic.Plan
	images  int     // that there are
	next    int     // place in the row of images of the next query
	runs    int     // of iterate, each with arrivals of its own
	offline float64 // images per second that the network has scored offline; 0: not measured
}

// openServing puts a network to use, if the settings name a mode.
func openServing(n network, c protocol.Settings) (work, error) {
	if c.Mode == "" {
		return n, nil
	}
	s := &serving{network: n, images: c.Images, plan: traffic.Plan{Mode: traffic.Mode(c.Mode), Images: 1, Batch: c.Batch, Rate: float64(c.Rate), Seed: uint64(c.Seed)}}
	switch s.plan.Mode {
	case traffic.MultiStream:
		s.plan.Images = c.Batch
	case traffic.Offline:
		s.plan.Images = c.Images
	}
	if s.plan.Mode == traffic.Server && c.Rate == 0 {
		if err := s.measureOffline(); err != nil {
			n.close()
			return nil, err
		}
		s.plan.Rate = s.offline * float64(c.Load) / 100
	}
	return s, nil
}

// measureOffline scores full batches for a while, as mode offline does.
func (s *serving) measureOffline() error {
	const warmUp, least, enough = 2, 3, 500 * time.Millisecond
	batches, begin := 0, time.Time{}
	for ; batches < warmUp+least || time.Since(begin) < enough; batches++ {
		if batches <= warmUp {
			begin = time.Now()
		}
		if _, err := s.query(batches*s.plan.Batch, s.plan.Batch); err != nil {
			return err
		}
	}
	s.offline = float64((batches-warmUp)*s.plan.Batch) / time.Since(begin).Seconds()
	return nil
}

func (s *serving) facts() protocol.Facts {
	f := s.network.facts()
	f.ItemsPerIteration = s.plan.Images
	return f
}

func (s *serving) iterate(n int, c *clock) error {
	plan := s.plan
	plan.Seed = nn.SubSeed(plan.Seed, s.runs)
	s.runs++
	c.start()
	queries, err := plan.Run(n, traffic.Start(), func(first, count int) error {
		began := time.Now()
		_, err := s.query(s.next+first, count)
		c.slow(began)
		return err
	})
	s.next = (s.next + n*plan.Images) % s.images
	c.queries(queries, plan.Mode == traffic.Server)
	return err
}

// queries notes what queries took. Those of one batch share what it has added to the
// wall time.
func (c *clock) queries(all []traffic.Query, open bool) {
	if c == nil {
		return
	}
	last := 0.0
	for batch := range together(all) {
		for _, q := range batch {
			c.durations = append(c.durations, (q.Done-last)/float64(len(batch)))
			if open {
				c.latencies = append(c.latencies, q.Latency())
			}
		}
		last = batch[0].Done
	}
	c.last = c.begin.Add(time.Duration(last * float64(time.Second)))
}

// together yields the queries that were done at the same time.
func together(all []traffic.Query) func(yield func([]traffic.Query) bool) {
	return func(yield func([]traffic.Query) bool) {
		for len(all) > 0 {
			n := slices.IndexFunc(all, func(q traffic.Query) bool { return q.Done != all[0].Done })
			if n < 0 {
				n = len(all)
			}
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// outputs are the logits of all images [members images], scored in the batches of the
// mode.
func (s *serving) outputs(check string) (outputs, error) {
	if !slices.Contains([]string{"", protocol.CheckLogits, protocol.CheckDigests}, check) {
		return outputs{}, noCheck(check)
	}
	var logits [][]float32
	size := min(s.plan.Images, s.plan.Batch)
	if s.plan.Mode == traffic.Server {
		size = s.plan.Batch
	}
	for first := 0; first < s.images; first += size {
		some, err := s.query(first, min(size, s.images-first))
		if err != nil {
			return outputs{}, err
		}
		if logits == nil {
			logits = make([][]float32, len(some))
		}
		for m := range some {
			logits[m] = append(logits[m], some[m]...)
		}
	}
	all := slices.Concat(logits...)
	return outputs{[]int{len(logits), s.images}, all, []string{digestOf(all)}}, nil
}

// extra are the rates of an open loop, in images per second.
func (s *serving) extra(float64) (map[string]protocol.Number, error) {
	if s.plan.Mode != traffic.Server {
		return nil, nil
	}
	extra := map[string]protocol.Number{"arrivals_per_second": protocol.Number(s.plan.Rate)}
	if s.offline > 0 {
		extra["offline_per_second"] = protocol.Number(s.offline)
	}
	return extra, nil
}

// checkMode refuses what belongs to other modes, or to none.
func checkMode(c protocol.Settings) error {
	server := c.Mode == string(traffic.Server)
	switch {
	case !server && (c.Rate > 0 || c.Load > 0):
		return refuse(protocol.BadRequest, "rate and load are of arrivals, for mode server")
	case c.Rate > 0 && c.Load > 0:
		return refuse(protocol.BadRequest, "rate: %d and load: %d %%; want one of them", c.Rate, c.Load)
	case c.Mode == "" && c.Kind == kindInference && c.Images > 0:
		return refuse(protocol.BadRequest, "images: of inference are for a mode; setting %q is missing", "mode")
	case c.Mode == "":
		return nil
	case c.Mode == string(traffic.SingleStream) && c.Batch > 1:
		return refuse(protocol.BadRequest, "batch: %d, queries of mode single-stream are of one image", c.Batch)
	case c.Passes > 0 || c.Aggregate != "":
		return refuse(protocol.Unsupported, "mode: %s; Monte-Carlo passes and aggregates are not served", c.Mode)
	case c.Source == "disk" || c.Workers > 0:
		return refuse(protocol.Unsupported, "mode: %s; images that are served are in memory, not read from files", c.Mode)
	}
	return nil
}

// modeDefaults are what holds in a mode where it is not set; batches of 8 are what
// MLPerf's multi-stream has.
func modeDefaults(c protocol.Settings) protocol.Settings {
	const images, several, most, half = 64, 8, 32, 50
	base := protocol.Settings{Images: images, Batch: map[traffic.Mode]int{traffic.MultiStream: several, traffic.Offline: most, traffic.Server: most}[traffic.Mode(c.Mode)]}
	if c.Mode == string(traffic.Server) && c.Rate == 0 {
		base.Load = half
	}
	return base
}
