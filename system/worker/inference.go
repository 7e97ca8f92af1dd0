package worker

import (
	"errors"
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/script"
	"lensbench/system/trained"
	"lensbench/torch"
)

// An inference is one network and one batch of images in memory.
type inference struct {
	steady
	alone
	plain
	lane   *nn.Lane
	model  *model.Model
	plan   *plan.Plan    // nil: the model's own forward pass, or crew's
	script *torch.Script // nil: there is none
	crew   *plan.Crew    // nil: there was no search
	trials []protocol.Trial
	images *torch.Tensor // [batch bands pixels pixels], freed with the lane
	batch  int           // images in memory
	pixels int
	seed   uint64
	passes int    // of Monte-Carlo, 0: one without dropout
	within string // what each passes through, throughNetwork or throughHead

	trained *trained.Network // whose weights these are; nil: of the formula
}

// What Monte-Carlo passes go through.
const (
	throughNetwork = "network"
	throughHead    = "head"
)

func openInference(c protocol.Settings, cache string) (network, error) {
	networks, err := findTrained(c, cache)
	if err != nil {
		return nil, err
	}
	m, err := model.New(c.Model, c.Bands)
	if err != nil {
		return nil, err
	}
	if err := m.CheckSize(c.Pixels, c.Pixels); err != nil {
		return nil, refuse(protocol.Unsupported, "%v", err)
	}
	if c.PassesThrough == throughHead && !m.DropoutOnlyInHead() {
		return nil, refuse(protocol.Unsupported, "passes_through: head; %s drops within its backbone, too, which then has to run for every pass", c.Model)
	}
	if c.Plan != "" && c.Passes > 0 && !m.DropoutOnlyInHead() {
		return nil, refuse(protocol.Unsupported, "plan: %s with passes: %s: %v", c.Plan, c.Model, plan.ErrDropout)
	}
	lane, err := nn.OpenLane(torch.Session{Threads: c.Threads, Inference: true})
	if err != nil {
		return nil, err
	}
	w := &inference{lane: lane, model: m, batch: c.Batch, pixels: c.Pixels, seed: uint64(c.Seed), passes: c.Passes, within: c.PassesThrough}
	if c.Mode != "" {
		w.batch = c.Images
	}
	if networks != nil {
		w.trained = networks[0]
	}
	m.Params.ChannelsLast = c.Layout == "channels-last"
	if err := lane.Do(func(sc *torch.Scope) error { return w.load(sc, c) }); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *inference) load(sc *torch.Scope, c protocol.Settings) error {
	formula := nn.Formula{Seed: w.seed}
	if err := w.weights(sc, formula); err != nil {
		return err
	}
	x := images(sc, formula, 0, w.batch, w.model.Bands, w.pixels)
	if c.Layout == "channels-last" {
		x = nn.Next(x, sc.ChannelsLast(x))
	}
	w.images = sc.Keep(x)
	switch {
	case c.Script != "":
		return w.makeScript(script.State{Freeze: c.Freeze, Optimise: c.Optimise})
	case c.Plan == "":
		return nil
	}
	return w.makePlan(sc, formula, c)
}

// weights loads those that the network was trained to, or those of the formula.
func (w *inference) weights(sc *torch.Scope, f nn.Formula) error {
	if w.trained == nil {
		return w.model.Params.Load(sc, f)
	}
	file, err := nn.OpenFile(w.trained.WeightsPath(), w.model.Params)
	if err != nil {
		return err
	}
	defer file.Close()
	return w.model.Params.Load(sc, file)
}

// makeScript makes the script, which has the weights then.
func (w *inference) makeScript(state script.State) (err error) {
	if w.script, err = script.New(w.model, script.Whole); err != nil {
		return err
	}
	w.model.Params.Free()
	return state.Reach(w.script)
}

// makePlan makes the plan and frees what it was made of, unless passes go through the
// head.
func (w *inference) makePlan(sc *torch.Scope, f nn.Formula, c protocol.Settings) (err error) {
	o := plan.Options{Precision: plan.Precision(c.Plan), Batch: w.batch, Pixels: w.pixels, Backbone: w.passes > 0}
	if o.Precision == plan.Int8 {
		if o.Calibration, err = w.calibrate(sc, f); err != nil {
			return err
		}
	}
	if c.Search {
		sc.Rest()
		err = w.search(o, sc.Threads())
	} else {
		w.plan, err = plan.Make(sc, w.model, o)
	}
	if w.passes == 0 {
		w.model.Params.Free()
	}
	return err
}

// search chooses the crew and notes the trials.
func (w *inference) search(o plan.Options, threads int) error {
	crew, trials, err := plan.Search(w.model, w.images, o, threads)
	if err != nil {
		return err
	}
	w.crew = crew
	for _, t := range trials {
		w.trials = append(w.trials, protocol.Trial{Images: t.Images, Sessions: t.Sessions, Threads: t.Threads, Seconds: t.Seconds(), Chosen: t.Way == crew.Way()})
	}
	return nil
}

// calibrate looks at the 32 images that follow those of the batch. A trained network
// has been calibrated on validation images.
func (w *inference) calibrate(sc *torch.Scope, f nn.Formula) (*plan.Calibration, error) {
	if w.trained != nil {
		return calibrationOf(w.trained)
	}
	const number, at = 32, 4
	return plan.Observe(sc, w.model, func(yield func(*torch.Tensor) error) error {
		for i := 0; i < number; i += at {
			x := images(sc, f, w.batch+i, at, w.model.Bands, w.pixels)
			if err := yield(x); err != nil {
				return err
			}
			x.Free()
		}
		return nil
	})
}

// logits maps images [N bands pixels pixels] to [N], by the plan or the network.
func (w *inference) logits(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	switch {
	case w.plan != nil:
		return w.plan.Forward(sc, x)
	case w.script != nil:
		return w.script.Forward(sc, x)
	}
	return w.model.Forward(sc, x)
}

// images returns images of the formula's array "input", of mean 0 and
// variance 1. They are filled one by one: a batch that is too large for memory
// is then libtorch's error and not the end of the process.
func images(sc *torch.Scope, f nn.Formula, first, n, bands, pixels int) *torch.Tensor {
	x := sc.Empty(torch.Float32, int64(n), int64(bands), int64(pixels), int64(pixels))
	one := make([]float32, bands*pixels*pixels)
	for i := range n {
		f.Uniform("input", float32(math.Sqrt(3)), (first+i)*len(one), one)
		image := sc.Select(x, 0, int64(i))
		sc.CopyFrom(image, one)
		image.Free()
	}
	return x
}

func (w *inference) facts() protocol.Facts {
	return protocol.Facts{
		Parameters:        w.model.Params.Trainable(),
		WeightBytes:       w.model.Params.Bytes(),
		FLOPPerItem:       flop(w.model, w.pixels, w.passes, w.within),
		ItemsPerIteration: w.batch,
		Threads:           w.lane.Threads(),
		Trials:            w.trials,
	}
}

// flop counts the operations for an image, with all its Monte-Carlo passes.
func flop(m *model.Model, pixels, passes int, within string) float64 {
	whole, head := m.Cost(pixels).FLOP(), m.HeadCost().FLOP()
	switch {
	case passes == 0:
		return whole
	case within == throughNetwork || !m.DropoutOnlyInHead():
		return float64(passes) * whole
	}
	return whole + float64(passes-1)*head
}

// forward returns the logits of the images: [batch], or of passes [passes batch].
func (w *inference) forward(sc *torch.Scope) *torch.Tensor {
	switch {
	case w.passes == 0:
		return w.logits(sc, w.images)
	case w.plan != nil:
		return w.plan.Samples(sc, w.model, w.images, w.passes)
	case w.within == throughNetwork:
		return w.model.WholeSamples(sc, w.images, w.passes)
	}
	return w.model.Samples(sc, w.images, w.passes)
}

func (w *inference) iterate(n int, c *clock) error {
	if w.crew != nil {
		return w.iterateCrew(n, c)
	}
	return w.lane.Do(func(sc *torch.Scope) error {
		c.start()
		for range n {
			w.forward(sc).Free()
			c.lap()
		}
		return nil
	})
}

func (w *inference) query(first, count int) ([][]float32, error) {
	logits := make([]float32, count)
	err := w.lane.Do(func(sc *torch.Scope) error {
		return w.logits(sc, w.row(sc, first, count)).CopyFloat32(logits)
	})
	return [][]float32{logits}, err
}

// row returns images of the row that repeats those in memory.
func (w *inference) row(sc *torch.Scope, first, count int) *torch.Tensor {
	first %= w.batch
	if first+count <= w.batch {
		return sc.Narrow(w.images, 0, int64(first), int64(count))
	}
	var parts []*torch.Tensor
	for count > 0 {
		n := min(count, w.batch-first)
		parts = append(parts, sc.Narrow(w.images, 0, int64(first), int64(n)))
		first, count = 0, count-n
	}
	return sc.Cat(0, parts...)
}

func (w *inference) iterateCrew(n int, c *clock) error {
	logits := make([]float32, w.batch)
	if err := w.lane.Rest(); err != nil { // it may have read images for a check
		return err
	}
	c.start()
	return w.crew.Repeat(n, w.images, logits, c.lap)
}

func (w *inference) outputs(check string) (outputs, error) {
	if !slices.Contains([]string{"", protocol.CheckLogits, protocol.CheckDigests}, check) {
		return outputs{}, noCheck(check)
	}
	shape := []int{w.batch}
	if w.passes > 0 {
		shape = []int{w.passes, w.batch}
	}
	logits := make([]float32, w.batch*max(w.passes, 1))
	if w.crew != nil {
		err := w.crew.Forward(w.images, logits)
		return outputs{shape, logits, []string{digestOf(logits)}}, err
	}
	err := w.lane.Do(func(sc *torch.Scope) error {
		sc.Seed(w.seed) // of the masks of dropout
		return w.forward(sc).CopyFloat32(logits)
	})
	var digests []string
	for pass := range slices.Chunk(logits, w.batch) {
		digests = append(digests, digestOf(pass))
	}
	return outputs{shape, logits, digests}, err
}

// extra says in which numbers the layers of a plan compute.
func (w *inference) extra(float64) (map[string]protocol.Number, error) {
	if w.plan == nil {
		return nil, nil
	}
	numbers := map[string]protocol.Number{}
	for name, n := range w.plan.Layers() {
		numbers[name] = protocol.Number(n)
	}
	return numbers, nil
}

func (w *inference) close() error {
	if w.plan != nil {
		w.plan.Free()
	}
	if w.script != nil {
		w.script.Free()
	}
	w.model.Params.Free()
	if w.crew != nil {
		return errors.Join(w.crew.Close(), w.lane.Close())
	}
	return w.lane.Close()
}
