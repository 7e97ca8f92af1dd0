package plan

import (
	"errors"
	"fmt"
	"sync"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
)

// A Way is how a batch goes through a plan.
type Way struct {
	Images   int `json:"images"`   // of a pass: a batch is passes of so many
	Sessions int `json:"sessions"` // that share the passes and run at the same time
	Threads  int `json:"threads"`  // compute threads of each session
}

func (w Way) String() string {
	return fmt.Sprintf("passes of %d images in %d × %d threads", w.Images, w.Sessions, w.Threads)
}

// A Crew is sessions that run one plan on batches together.
type Crew struct {
	way   Way
	plan  *Plan
	lanes []*nn.Lane
}

// OpenCrew makes a plan of a network whose weights are loaded, for passes of the
// way's size instead of o.Batch, and opens the sessions. The caller closes the crew.
func OpenCrew(m *model.Model, o Options, w Way) (c *Crew, err error) {
	c = &Crew{way: w}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if w.Sessions < 1 {
		return c, fmt.Errorf("%d sessions; want 1 or more", w.Sessions)
	}
	for range w.Sessions {
		lane, err := nn.OpenLane(torch.Session{Threads: w.Threads, Inference: true})
		if err != nil {
			return c, err
		}
		c.lanes = append(c.lanes, lane)
	}
	o.Batch = w.Images
	err = c.lanes[0].Do(func(sc *torch.Scope) error {
		c.plan, err = Make(sc, m, o)
		sc.Rest()
		return err
	})
	return c, err
}

// Rest ends the idle threads of the sessions, which slow down other sessions.
func (c *Crew) Rest() error {
	var errs []error
	for _, lane := range c.lanes {
		errs = append(errs, lane.Rest())
	}
	return errors.Join(errs...)
}

// Forward maps images [N bands pixels pixels] to logits, of length N. Sessions take
// neighbouring passes, as equally many as there are.
func (c *Crew) Forward(x *torch.Tensor, logits []float32) error {
	passes := c.count(logits)
	errs := make([]error, len(c.lanes))
	var group sync.WaitGroup
	for i, lane := range c.lanes {
		first, end := i*passes/len(c.lanes), (i+1)*passes/len(c.lanes)
		share := func(sc *torch.Scope) error { return c.passes(sc, x, logits, first, end) }
		if i == len(c.lanes)-1 { // the caller waits for it anyway
			errs[i] = lane.Do(share)
			continue
		}
		group.Go(func() { errs[i] = lane.Do(share) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Repeat is Forward n times; lap is called after each, from any goroutine. One session
// makes them in one go: to hand work over and back takes its threads off their cores.
func (c *Crew) Repeat(n int, x *torch.Tensor, logits []float32, lap func()) error {
	if len(c.lanes) == 1 {
		return c.lanes[0].Do(func(sc *torch.Scope) error { return c.repeat(sc, n, x, logits, lap) })
	}
	for range n {
		if err := c.Forward(x, logits); err != nil {
			return err
		}
		lap()
	}
	return nil
}

func (c *Crew) repeat(sc *torch.Scope, n int, x *torch.Tensor, logits []float32, lap func()) error {
	for range n {
		if err := c.passes(sc, x, logits, 0, c.count(logits)); err != nil {
			return err
		}
		lap()
	}
	return nil
}

// count is the number of passes that so many logits take.
func (c *Crew) count(logits []float32) int { return (len(logits) + c.way.Images - 1) / c.way.Images }

// passes makes the passes from number first up to end, not included.
func (c *Crew) passes(sc *torch.Scope, x *torch.Tensor, logits []float32, first, end int) error {
	for i := first; i < end; i++ {
		part := logits[i*c.way.Images : min((i+1)*c.way.Images, len(logits))]
		images := sc.Narrow(x, 0, int64(i*c.way.Images), int64(len(part)))
		y := c.plan.Forward(sc, images)
		if err := y.CopyFloat32(part); err != nil {
			return err
		}
		y.Free()
		images.Free()
	}
	return nil
}

// Way returns how the crew works.
func (c *Crew) Way() Way { return c.way }

// Close ends the sessions and frees the plan. Closing twice does nothing.
func (c *Crew) Close() error {
	if c.plan != nil {
		c.plan.Free()
	}
	var errs []error
	for _, lane := range c.lanes {
		errs = append(errs, lane.Close())
	}
	c.lanes = nil
	return errors.Join(errs...)
}
