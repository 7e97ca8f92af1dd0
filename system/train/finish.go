package train

import (
	"context"
	"fmt"
	"math"

	"lensbench/system/fusion"
	"lensbench/system/metric"
	"lensbench/system/trained"
	"lensbench/torch"
)

// An Outcome is what a run came to, apart from times: that of equal runs is equal.
type Outcome struct {
	Ended      string     `json:"ended"`  // why: AllEpochs or NoBetter
	Epochs     int        `json:"epochs"` // trained
	Steps      int        `json:"steps"`
	Best       Best       `json:"best"`
	Validation Validation `json:"validation"` // of the best
}

// A Result is the outcome of a run that has ended just now.
type Result struct {
	Outcome
	Dir     string  `json:"dir"`
	Seconds float64 `json:"seconds"`       // of this process
	Wait    float64 `json:"wait_per_step"` // s that a step of this process waited for its images, mean
}

// A Validation is what the best network does on validation images.
type Validation struct {
	Images   int     `json:"images"`
	Lenses   int     `json:"lenses"`
	AUROC    float64 `json:"auroc"`
	Accuracy float64 `json:"accuracy"` // at probability 1/2
	Loss     float64 `json:"loss"`     // before the temperature
}

// A Record is what a trained network's manifest says of its training.
type Record struct {
	Hash     string   `json:"settings_sha256"`
	Settings Settings `json:"settings"`
	Data     Data     `json:"data"`
	Machine  Machine  `json:"machine"`
	Outcome  Outcome  `json:"outcome"`
}

// rates are the false-positive rates that thresholds are chosen for.
var rates = []float64{0, 0.001, 0.01, 0.1}

// finish makes the best checkpoint a trained network. Its result is that of rank 0,
// nil in others.
func (r *run) finish(ctx context.Context) (*Result, error) {
	r.engine.part()
	if r.chief() {
		return r.conclude(ctx)
	}
	if err := r.shareWeights(); err != nil {
		return nil, err
	}
	_, _, err := r.scoreValidation(ctx)
	return nil, err
}

// shareWeights gives all ranks the weights of rank 0.
func (r *run) shareWeights() error {
	var all []*torch.Tensor
	for _, p := range r.model.Params.All() {
		if !p.Counter {
			all = append(all, p.T())
		}
	}
	return r.Team.Broadcast(all...)
}

// conclude is finish in rank 0.
func (r *run) conclude(ctx context.Context) (*Result, error) {
	s := &r.state
	best, err := openCheckpoint(r.dir.file(BestName))
	if err != nil {
		return nil, err
	}
	defer best.Close()
	if best.State.Best == nil || s.Best == nil || *best.State.Best != *s.Best {
		return nil, fmt.Errorf("%s: is not that of epoch %d, which was the best", best.Name(), s.Best.Epoch)
	}
	if err := r.model.Params.Load(r.engine.sc, best); err != nil {
		return nil, err
	}
	if err := r.shareWeights(); err != nil {
		return nil, err
	}
	logits, labels, err := r.scoreValidation(ctx)
	if err != nil {
		return nil, err
	}
	v, err := metric.OfLogits(logits, labels)
	if err != nil {
		return nil, err
	}
	temperature, err := fusion.Temperature(logits, labels)
	if err != nil {
		return nil, err
	}
	o := Outcome{Ended: s.Ended, Epochs: s.Epoch, Steps: s.Step, Best: *s.Best,
		Validation: Validation{v.Lenses() + v.Others(), v.Lenses(), v.AUROC(), v.At(0).Accuracy(), v.NLL()}}
	if _, err := trained.Save(r.Dir, r.manifest(v, temperature, o), r.model.Params, best); err != nil {
		return nil, err
	}
	result := &Result{o, r.Dir, digits(r.all.seconds()), r.all.wait()}
	return result, r.journal.write(EndLine{r.place(endLine), now(), *result})
}

func (r *run) manifest(v *metric.Sample, temperature float64, o Outcome) trained.Manifest {
	s := &r.Settings
	m := r.About
	m.Model, m.Bands, m.Pixels, m.Input, m.Stretch = s.Model, r.state.Data.Bands, r.state.Data.Pixels, s.Input, s.Stretch
	m.Temperature = temperature
	m.Thresholds = map[string]float64{}
	for _, rate := range rates {
		if t := v.ThresholdAtFPR(rate); !math.IsNaN(t) && !math.IsInf(t, 0) {
			m.Thresholds[fmt.Sprintf("fpr=%g", rate)] = t
		}
	}
	m.Training = mustJSON(Record{s.Hash(), *s, r.state.Data, r.state.Machine, o})
	return m
}
