package worker

import (
	"strconv"

	"lensbench/protocol"
	"lensbench/system/step"
)

// stepSettings are the settings of a step that an arm asks for.
func stepSettings(c protocol.Settings) (step.Settings, error) {
	s := step.Settings{Precision: c.Precision, Accumulate: c.Accumulate, ChannelsLast: c.Layout == "channels-last", Checkpointing: c.Checkpointing}
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

// consistency is the weight of the consistency term of training at several scales.
const consistency = 0.1
