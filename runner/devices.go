package runner

import (
	"slices"

	"lensbench/accelerator"
	"lensbench/protocol"
	"lensbench/record"
)

// usesAccelerator says whether an arm computes on one.
func usesAccelerator(c record.Cell) bool {
	return slices.ContainsFunc(c.Arms, func(a record.Arm) bool {
		return a.Settings.Device == "cuda" || slices.ContainsFunc(a.Needs, func(need string) bool {
			_, several := protocol.DevicesNeeded(need)
			return several || need == protocol.NeedCUDA
		})
	})
}

// watchAccelerators opens the monitor if a cell has a use for it. Without one, or
// where it cannot be opened, samples say nothing of accelerators: arms that need
// one find out for themselves.
func (s *session) watchAccelerators() {
	if !slices.ContainsFunc(s.run.Cells, func(c record.Cell) bool { return usesAccelerator(c) || countsEnergy(c) }) {
		return
	}
	open := s.opts.Accelerators
	if open == nil {
		open = accelerator.Open
	}
	m, err := open()
	if err != nil && slices.ContainsFunc(s.run.Cells, usesAccelerator) {
		s.sink.Note("clocks of accelerators are not watched: " + err.Error())
	}
	if err == nil {
		s.devices = m
	}
}

// watchClocks reads the clocks just after a sample, before they recover: the
// slowest device's, and every reason for which any is held down.
func (c *cellRun) watchClocks(h *record.HostSample) {
	if c.devices == nil || !usesAccelerator(c.cell) {
		return
	}
	for i, clock := range c.devices.Clocks() {
		if i == 0 || clock.SM < h.DeviceMHz {
			h.DeviceMHz = clock.SM
		}
		for _, why := range clock.Throttled {
			if !slices.Contains(h.Throttled, why) {
				h.Throttled = append(h.Throttled, why)
			}
		}
	}
}
