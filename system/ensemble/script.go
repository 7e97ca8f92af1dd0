package ensemble

import (
	"errors"
	"fmt"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/script"
	"lensbench/torch"
)

// What of an ensemble is TorchScript instead of operators that are called one by one.
const (
	ScriptFusion = "fusion" // the fusion of the aggregate Weighted
	ScriptModel  = "model"  // that, and every member: with Monte-Carlo passes its backbone
)

// Scripts are the words.
var Scripts = []string{ScriptFusion, ScriptModel}

func (c Config) checkScript() error {
	switch {
	case c.Script == "" && c.State != (script.State{}):
		return errors.New("only scripts are frozen or optimised, and none is asked for")
	case c.Script == "":
		return nil
	case c.Script != ScriptFusion && c.Script != ScriptModel:
		return fmt.Errorf("unknown script %q, want one of %v", c.Script, Scripts)
	case c.Script == ScriptFusion && c.Aggregate != Weighted:
		return fmt.Errorf("script %s is of the aggregate %s, and this one is %q", ScriptFusion, Weighted, c.Aggregate)
	case c.Device == CUDA || c.Schedule == Stacked:
		return fmt.Errorf("script %s is for members on the CPU, each by itself: not for device %s or schedule %s", c.Script, CUDA, Stacked)
	case c.Plan != "":
		return fmt.Errorf("script %s and plan %s; a member is one of them", c.Script, c.Plan)
	}
	if c.Script == ScriptFusion {
		return nil
	}
	return c.checkDropout("script " + c.Script)
}

// checkDropout finds members that drop where, as a plan or a script, they could not.
func (c Config) checkDropout(form string) error {
	if c.Passes == 0 {
		return nil
	}
	for _, name := range c.Members {
		m, err := model.New(name, 1)
		if err != nil {
			return err
		}
		if !m.DropoutOnlyInHead() {
			return fmt.Errorf("%s of %s: %w", form, name, plan.ErrDropout)
		}
	}
	return nil
}

// scripted makes the member's script, once its weights are loaded. What only the script
// needs is its own from then on.
func (n *network) scripted(c Config) (err error) {
	part := script.Whole
	if c.Passes > 0 {
		part = script.Backbone
	}
	if n.script, err = script.New(n.Model, part); err != nil {
		return err
	}
	if err := c.State.Reach(n.script); err != nil {
		return err
	}
	if part == script.Whole {
		n.Params.Free()
	}
	return nil
}

// samples returns the logits [K N] of K passes with dropout.
func (n *network) samples(sc *torch.Scope, x *torch.Tensor, passes int) *torch.Tensor {
	switch {
	case n.plan != nil:
		return n.plan.Samples(sc, n.Model, x, passes)
	case n.script == nil:
		return n.Samples(sc, x, passes)
	}
	features := n.script.Forward(sc, x)
	return nn.Next(features, n.HeadSamples(sc, features, passes))
}

// temperature is what the member's logits are divided by.
func (n *network) temperature() float32 {
	if n.trained == nil {
		return 1
	}
	return float32(n.trained.Manifest.Temperature)
}

// newFusion returns the fusion as a script, nil if it is to be none.
func newFusion(c Config) (*torch.Script, error) {
	if c.Script == "" || c.Aggregate != Weighted {
		return nil, nil
	}
	s, err := script.NewFusion()
	if err != nil {
		return nil, err
	}
	if err := c.State.Reach(s); err != nil {
		s.Free()
		return nil, err
	}
	return s, nil
}

// A weighted aggregate fuses each batch once all members have said what they say of it,
// by the inverse variances of their passes (package fusion).
type weighted struct {
	scope           *torch.Scope
	script          *torch.Script // nil: operator by operator
	temperatures    *torch.Tensor // [members]
	logit, variance *torch.Tensor // [images]
	waiting         map[int][]*torch.Tensor
}

func newWeighted(sc *torch.Scope, members []*network, images int, s *torch.Script) *weighted {
	var temperatures []float32
	for _, n := range members {
		temperatures = append(temperatures, n.temperature())
	}
	return &weighted{scope: sc, script: s, temperatures: sc.FromFloat32(temperatures, int64(len(members))),
		logit: sc.Zeros(torch.Float32, int64(images)), variance: sc.Zeros(torch.Float32, int64(images)), waiting: map[int][]*torch.Tensor{}}
}

func (w *weighted) add(sc *torch.Scope, _, first int, y *torch.Tensor) {
	w.waiting[first] = append(w.waiting[first], w.scope.Own(y))
	all := w.waiting[first]
	if int64(len(all)) < w.temperatures.Numel() {
		return
	}
	delete(w.waiting, first)
	samples := sc.Stack(all, 0)
	for _, t := range all {
		t.Free()
	}
	logit, variance := w.fuse(sc, samples)
	sc.AddInPlace(sc.Narrow(w.logit, 0, int64(first), logit.Numel()), logit)
	sc.AddInPlace(sc.Narrow(w.variance, 0, int64(first), logit.Numel()), variance)
}

func (w *weighted) fuse(sc *torch.Scope, samples *torch.Tensor) (logit, variance *torch.Tensor) {
	if w.script == nil {
		return script.Fuse(sc, samples, w.temperatures)
	}
	both := w.script.Run(sc, "forward", samples, w.temperatures)
	return both[0], both[1]
}

func (w *weighted) moments(*torch.Scope) (mean, variance *torch.Tensor) {
	return w.logit, w.variance
}
