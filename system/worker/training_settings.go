package worker

import (
	"strconv"

	"lensbench/protocol"
	"lensbench/system/step"
)

// stepSettings are the settings of a step that an arm asks for.
func stepSettings(c protocol.Settings) (step.Settings, error) {
	s := step.Settings{Precision: c.Precision, Accumulate: c.Accumulate, ChannelsLast: c.Layout == "channels-last", Checkpointing: c.Checkpointing, Optimizer: c.Optimizer}
	for _, word := range c.Scales {
		side, err := strconv.Atoi(word)
		if err != nil {
			return s, refuse(protocol.BadRequest, "scales: %q is no number of pixels", word)
		}
		s.Multi.Scales = append(s.Multi.Scales, side)
	}
	m := &s.Multi
	m.Mode, m.Budget, m.Split, m.Checkpointing = c.ScaleMode, int64(c.ScaleBudget)<<20, c.ScaleSplit, c.ScaleCheckpointing
	if len(m.Scales) > 0 {
		m.Consistency = consistency
	}
	if err := s.Check(); err != nil {
		return s, refuse(protocol.BadRequest, "%v", err)
	}
	if err := s.CheckExchange(); c.Ranks > 1 && err != nil {
		return s, refuse(protocol.Unsupported, "%v", err)
	}
	return s, nil
}

// checkBudget refuses what makes no sense with a budget, or without one.
func checkBudget(c protocol.Settings) error {
	switch {
	case c.Ranks > 1 && (c.Budget > 0 || c.Monitor != ""):
		return refuse(protocol.BadRequest, "ranks: %d; a budget and a monitor are for one process", c.Ranks)
	case c.Budget == 0 && c.Adaptive != "":
		return refuse(protocol.BadRequest, "adaptive: %s chooses batches under a budget; setting %q is missing", c.Adaptive, "budget")
	case c.Budget == 0:
		return nil
	case c.Source == "disk":
		return refuse(protocol.BadRequest, "budget: is for images in memory, not for source disk")
	case c.Accumulate > 1:
		return refuse(protocol.BadRequest, "budget: is for steps of one micro-batch, not for accumulate %d", c.Accumulate)
	case c.Batch < smallestStep || c.Batch > c.Images:
		return refuse(protocol.BadRequest, "batch: %d, with a budget want %d to the images of an iteration, %d", c.Batch, smallestStep, c.Images)
	}
	return nil
}

// countsSteps says whether the exact peak of every step is wanted.
func countsSteps(c protocol.Settings) bool { return c.Budget > 0 || c.Monitor == monitorAllocator }

// consistency is the weight of the consistency term of training at several scales.
const consistency = 0.1
