package runner

import (
	"slices"
	"testing"

	"lensbench/accelerator"
	"lensbench/protocol"
	"lensbench/record"
	"lensbench/runner/fakeworker"
)

// hot is a monitor of two devices, of which one gets too hot in its ninth look, which is in a block.
type hot struct{ looks, closed int }

func (*hot) Devices() []accelerator.Device { return nil }
func (*hot) Energy() (float64, error)      { return 0, nil }
func (h *hot) Close()                      { h.closed++ }
func (h *hot) Clocks() []accelerator.Clock {
	out := []accelerator.Clock{{SM: 1980}, {SM: 1500}}
	if h.looks++; h.looks == 9 {
		out[1].Throttled = []string{accelerator.HardwareThermal}
	}
	return out
}

// cudaOnly is a machine with an accelerator.
var cudaOnly = []protocol.Device{{Kind: protocol.DeviceCUDA, Name: "NVIDIA H100"}}

func TestClocksOfAcceleratorsAreWatched(t *testing.T) {
	h := &hot{}
	opts := options(t, fakeworker.Script{Devices: cudaOnly}, smallCell("c", 2))
	opts.Accelerators = func() (accelerator.Monitor, error) { return h, nil }
	opts.Cells[0].Arms[1].Needs = []string{protocol.NeedCUDA}
	throttled := 0
	for _, e := range journal(t, mustStart(t, opts))[record.KindBlock] {
		for _, s := range e.Block.Samples {
			if s.Host.DeviceMHz != 1500 {
				t.Errorf("clock %d MHz; want that of the slowest device", s.Host.DeviceMHz)
			}
			if slices.Equal(s.Host.Throttled, []string{accelerator.HardwareThermal}) {
				throttled++
			}
		}
	}
	if throttled != 1 || h.closed != 1 {
		t.Errorf("%d samples are throttled, the monitor was closed %d times; want 1 and 1", throttled, h.closed)
	}
}

// Reading clocks takes time that cells without accelerators need not spend.
func TestNobodyWatchesWhatIsNotUsed(t *testing.T) {
	opts := options(t, fakeworker.Script{}, smallCell("c", 2))
	opts.Accelerators = func() (accelerator.Monitor, error) { t.Error("opened"); return nil, accelerator.ErrAbsent }
	mustStart(t, opts)
}
