// Package footprint measures how much memory the training of a network takes, and
// what for: the peaks of loading, of the first step and of the steps after it, with
// the part that weights, gradients, the optimiser's state and activations have in
// each, and how they come and go over time.
//
// Bytes of tensors are counted exactly and repeat exactly. The resident set of the
// process is beside them, because libraries have memory of their own: their
// programs, and scratch memory of convolutions. It does not repeat exactly.
//
// What belongs to which category is said at torch.Category.
package footprint

import (
	"fmt"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/optim"
	"lensbench/system/usage"
	"lensbench/torch"
)

// Settings are what is trained: random images, every second of them a lens.
type Settings struct {
	Model   string `json:"model"`
	Pixels  int    `json:"pixels"` // side of an image
	Batch   int    `json:"batch"`
	Bands   int    `json:"bands"`
	Steps   int    `json:"steps"` // after the first
	Threads int    `json:"threads"`
	Seed    uint64 `json:"seed"`

	// Events is the room for the trace of all steps; 0 is for none.
	Events int `json:"-"`
}

// A Footprint is what training has taken.
type Footprint struct {
	Settings
	Trainable   int64 // values
	WeightBytes int64 // parameters and buffers

	Load  Stage // weights, optimiser and images are made
	First Stage // first step: libraries take what they need, too
	Later Stage // the steps after it

	Trace torch.MemoryTrace
}

// A Stage is a stretch of the work.
type Stage struct {
	torch.Peaks       // bytes of tensors
	RSS         int64 // bytes, highest resident set of the process so far
}

// Measure trains for some steps. It must be called before the process has made a
// tensor, or after another call.
func Measure(s Settings) (*Footprint, error) {
	if err := torch.CountMemory(); err != nil {
		return nil, err
	}
	m, err := model.New(s.Model, s.Bands)
	if err != nil {
		return nil, err
	}
	if err := m.CheckSize(s.Pixels, s.Pixels); err != nil {
		return nil, err
	}
	f := &Footprint{Settings: s, Trainable: m.Params.Trainable(), WeightBytes: m.Params.Bytes()}
	defer m.Params.Free()
	err = torch.Session{Threads: s.Threads}.Run(func(sc *torch.Scope) error { return f.measure(sc, m) })
	return f, err
}

func (f *Footprint) measure(sc *torch.Scope, m *model.Model) (err error) {
	f.Threads = sc.Threads()
	var t *trainee
	if f.Load, err = stage(func() (err error) { t, err = load(sc, m, f.Settings); return err }); err != nil {
		return err
	}
	if f.Events > 0 {
		if err := torch.TraceMemory(f.Events); err != nil {
			return err
		}
		defer func() { f.Trace = torch.StopMemoryTrace() }()
	}
	if f.First, err = stage(func() error { t.step(sc); return nil }); err != nil {
		return err
	}
	f.Later, err = stage(func() error {
		for range f.Steps {
			t.step(sc)
		}
		return nil
	})
	return err
}

// stage runs f and says what it took.
func stage(f func() error) (Stage, error) {
	torch.ResetPeak()
	if err := f(); err != nil {
		return Stage{}, err
	}
	used, err := usage.Self()
	return Stage{torch.ReadPeaks(), used.RSSPeak}, err
}

// A trainee is a network with all that its training needs.
type trainee struct {
	model  *model.Model
	adamW  *optim.AdamW
	images *torch.Tensor // [batch bands pixels pixels]
	labels *torch.Tensor // [batch]
}

func load(sc *torch.Scope, m *model.Model, s Settings) (*trainee, error) {
	if err := m.Params.Load(sc, nn.Formula{Seed: s.Seed}); err != nil {
		return nil, err
	}
	sc.Seed(s.Seed)
	labels := make([]float32, s.Batch)
	for i := range labels {
		labels[i] = float32(i % 2)
	}
	return &trainee{
		model:  m,
		images: sc.Randn(int64(s.Batch), int64(s.Bands), int64(s.Pixels), int64(s.Pixels)),
		labels: sc.FromFloat32(labels, int64(s.Batch)),
		adamW:  optim.NewAdamW(sc, m.Params, optim.DefaultDecay, optim.DefaultClip),
	}, nil
}

// step makes one step of training.
func (t *trainee) step(sc *torch.Scope) {
	sc.Scoped(func(sc *torch.Scope) {
		var loss *torch.Tensor
		sc.InPhase(torch.PhaseForward, func() {
			loss = sc.BCEWithLogits(t.model.ForwardMode(sc, t.images, nn.Training), t.labels)
		})
		t.adamW.Step(sc, loss, optim.DefaultRate)
	})
}

// EventsOf is room for the trace of so many steps of any of the networks: they have
// about 2,000 events each.
func EventsOf(steps int) int { return min(steps*20_000, 5_000_000) }

// Check says what in the settings makes no sense, in words that begin with the
// setting's name, or nil.
func (s Settings) Check() error {
	for _, r := range []struct {
		name             string
		value, low, high int
	}{{"pixels", s.Pixels, 1, 4096}, {"batch", s.Batch, 2, 65536}, {"bands", s.Bands, 1, 16}, {"steps", s.Steps, 1, 1000}, {"threads", s.Threads, 0, 1024}} {
		if r.value < r.low || r.value > r.high {
			return fmt.Errorf("%s %d: want %d to %d", r.name, r.value, r.low, r.high)
		}
	}
	return nil
}
