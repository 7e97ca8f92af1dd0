package ensemble

import (
	"fmt"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/score"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A network is a member: a model, or a plan made of it.
type network struct {
	*model.Model
	input   int              // side that images are resized to
	seed    uint64           // of the formula
	trained *trained.Network // whose weights it has; nil: the formula's
	options plan.Options     // Precision "": the model's own forward pass
	seen    survey.Images    // that an int8 plan is calibrated on; nil: trained, and calibrated
	plan    *plan.Plan       // once it is loaded
	script  *torch.Script    // likewise; nil: none is asked for
}

// openNetworks describes the members of the models, and finds those that were trained.
// all are the images of the data set, those to be scored first.
func (e *Ensemble) openNetworks(all survey.Images) ([]*network, error) {
	var out []*network
	for i, m := range e.models {
		n := &network{Model: m, input: m.Pixels, seed: e.config.seed(i)}
		if e.config.Trained != nil {
			if err := n.find(e.config.Trained[i], all); err != nil {
				return nil, fmt.Errorf("member %s: %w", m.Name, err)
			}
		}
		n.options = plan.Options{Precision: e.config.Plan, Batch: min(e.config.Batch, e.config.Images), Pixels: n.input, Backbone: e.config.Passes > 0}
		if e.config.Plan == plan.Int8 && n.trained == nil {
			if e.config.Calibration < 1 || e.config.Images+e.config.Calibration > all.Len() {
				return nil, fmt.Errorf("int8 plans are calibrated on %d images behind the %d that are scored; %s has %d", e.config.Calibration, e.config.Images, e.config.Dir, all.Len())
			}
			n.seen = standardised{survey.Range(all, e.config.Images, e.config.Calibration), n.stretch()}
		}
		out = append(out, n)
	}
	for _, n := range out[1:] {
		if n.stretch() != out[0].stretch() {
			return nil, fmt.Errorf("members of one image, stretched in two ways: %s by %s, %s by %s", out[0].Name, out[0].stretch(), n.Name, n.stretch())
		}
	}
	return out, nil
}

// find opens the trained network in a directory.
func (n *network) find(dir string, images survey.Images) (err error) {
	if n.trained, err = trained.Open(dir); err != nil {
		return err
	}
	m := n.trained.Manifest
	if m.Model != n.Name {
		return fmt.Errorf("%s is a %s", dir, m.Model)
	}
	n.input = m.Input
	return score.Suits(n.trained, images)
}

// stretch is what brings images to the range that the network takes.
func (n *network) stretch() stretch.Stretch {
	if n.trained == nil {
		return stretch.PerBand
	}
	return n.trained.Manifest.Stretch
}

// source is where the weights come from; done is called when they are there.
func (n *network) source() (source nn.Source, done func() error, err error) {
	if n.trained == nil {
		return nn.Formula{Seed: n.seed}, func() error { return nil }, nil
	}
	f, err := nn.OpenFile(n.trained.WeightsPath(), n.Params)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// load loads the weights, and makes the plan or script of them if there is to be one.
func (n *network) load(sc *torch.Scope, c Config) error {
	source, done, err := n.source()
	if err != nil {
		return err
	}
	defer done()
	if err := n.Params.Load(sc, source); err != nil {
		return err
	}
	switch {
	case c.Script == ScriptModel:
		return n.scripted(c)
	case n.options.Precision == "":
		return nil
	}
	if c.Passes == 0 {
		defer n.Params.Free()
	}
	if n.options.Precision == plan.Int8 {
		if n.options.Calibration, err = n.calibrate(sc); err != nil {
			return err
		}
	}
	n.plan, err = plan.Make(sc, n.Model, n.options)
	return err
}

// calibrate returns what was left with a trained network, or looks at images.
func (n *network) calibrate(sc *torch.Scope) (*plan.Calibration, error) {
	if n.trained != nil {
		return score.Calibration(n.trained)
	}
	bands, side, _ := n.seen.Shape()
	pixels := make([]float32, bands*side*side)
	return plan.Observe(sc, n.Model, func(yield func(*torch.Tensor) error) error {
		for i := range n.seen.Len() {
			if err := n.seen.Read(i, pixels); err != nil {
				return err
			}
			x := sc.FromFloat32(pixels, 1, int64(bands), int64(side), int64(side))
			in := resize(sc, x, n.input)
			if err := yield(in); err != nil {
				return err
			}
			x.Free()
			if in != x {
				in.Free()
			}
		}
		return nil
	})
}

// forward maps images [N bands input input] to logits [N].
func (n *network) forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	switch {
	case n.plan != nil:
		return n.plan.Forward(sc, x)
	case n.script != nil:
		return n.script.Forward(sc, x)
	}
	return n.Forward(sc, x)
}

func (n *network) free() {
	if n.plan != nil {
		n.plan.Free()
	}
	if n.script != nil {
		n.script.Free()
	}
	n.Params.Free()
}
