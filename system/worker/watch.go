package worker

import (
	"lensbench/system/usage"
	"lensbench/torch"
)

// Ways to watch memory while training.
const (
	monitorRSS       = "rss"
	monitorAllocator = "allocator"
)

// A watch follows the memory of a process, step by step. The zero value does not
// look. On a CUDA device peaks are the allocator's there, which it knows at no cost, and
// has no categories of.
type watch struct {
	monitor string // one of the ways; "": nobody wants to know
	counts  bool   // it reads and resets the allocator's peaks
	place   torch.Place

	peaks      torch.Peaks // of all steps since begin, if it counts on the CPU
	devicePeak int64       // bytes, the highest since begin; 0 on the CPU
	peak       int64       // bytes, the highest that the monitor has seen since begin
}

// begin forgets what was seen.
func (w *watch) begin(sc *torch.Scope) {
	w.peaks, w.peak, w.devicePeak = torch.Peaks{}, 0, 0
	switch {
	case w.place.CUDA:
		sc.ResetDevicePeaks(w.place)
	case w.counts:
		torch.ResetPeak()
	}
}

// step looks at the step that has just ended, and returns its peak of tensor bytes; 0
// if it does not count.
func (w *watch) step(sc *torch.Scope) (peak int64, err error) {
	switch {
	case w.place.CUDA:
		peak = sc.DeviceMemory(w.place).AllocatedPeak
		w.devicePeak = max(w.devicePeak, peak)
		if w.counts { // the peak of each step is wanted
			sc.ResetDevicePeaks(w.place)
		}
	case w.counts:
		p := torch.ReadPeaks()
		torch.ResetPeak()
		w.peaks, peak = w.peaks.Max(p), p.All.Total()
	}
	seen := peak
	if w.monitor == monitorRSS {
		if seen, err = usage.Resident(); err != nil {
			return 0, err
		}
	}
	w.peak = max(w.peak, seen)
	return peak, nil
}

// since are the peaks since begin, with what is since the last step.
func (w *watch) since() torch.Peaks {
	if !w.counts {
		return torch.ReadPeaks()
	}
	return w.peaks.Max(torch.ReadPeaks())
}
