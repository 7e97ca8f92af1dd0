package footprint

import (
	"encoding/json"
	"io"

	"lensbench/torch"
)

// JSON writes the footprint as one JSON object, in bytes.
func (f *Footprint) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Settings
		Trainable     int64    `json:"trainable"`
		WeightBytes   int64    `json:"weight_bytes"`
		Stages        []staged `json:"stages"`
		DroppedEvents int64    `json:"dropped_events,omitempty"`
	}{f.Settings, f.Trainable, f.WeightBytes, f.stages(), f.Trace.Dropped})
}

// A staged is the peak of a stage, or of a phase of the later steps.
type staged struct {
	Name           string        `json:"name"`
	Peak           int64         `json:"tensor_peak"`
	AtPeak         categoryBytes `json:"at_peak"` // sums to the peak
	ActivationPeak int64         `json:"activation_peak,omitempty"`
	RSSPeak        int64         `json:"rss_peak,omitempty"` // of the process so far; stages only

	phase bool
}

// stages are all rows of a table.
func (f *Footprint) stages() []staged {
	whole := func(name string, s Stage) staged {
		return staged{name, s.All.Total(), categoryBytes(s.All), s.Activations, s.RSS, false}
	}
	part := func(p torch.Phase, b torch.Breakdown) staged {
		return staged{p.String(), b.Total(), categoryBytes(b), 0, 0, true}
	}
	p := f.Later.Peaks
	return []staged{whole("load", f.Load), whole("first step", f.First), whole("later steps", f.Later),
		part(torch.PhaseForward, p.Forward), part(torch.PhaseBackward, p.Backward), part(torch.PhaseUpdate, p.Update)}
}

// categoryBytes is a breakdown with names.
type categoryBytes torch.Breakdown

// MarshalJSON writes an object.
func (b categoryBytes) MarshalJSON() ([]byte, error) {
	named := map[string]int64{}
	for c, n := range b {
		named[torch.Category(c).String()] = n
	}
	return json.Marshal(named)
}
