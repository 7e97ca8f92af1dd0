package worker

import (
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
)

// An inference is one network and one batch of images in memory.
type inference struct {
	steady
	alone
	plain
	lane   *nn.Lane
	model  *model.Model
	images *torch.Tensor // [batch bands pixels pixels], freed with the lane
	batch  int           // images in memory
	pixels int
	seed   uint64
	passes int    // of Monte-Carlo, 0: one without dropout
	within string // what each passes through, throughNetwork or throughHead
}

// What Monte-Carlo passes go through.
const (
	throughNetwork = "network"
	throughHead    = "head"
)

func openInference(c protocol.Settings) (network, error) {
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
	lane, err := nn.OpenLane(torch.Session{Threads: c.Threads, Inference: true})
	if err != nil {
		return nil, err
	}
	w := &inference{lane: lane, model: m, batch: c.Batch, pixels: c.Pixels, seed: uint64(c.Seed), passes: c.Passes, within: c.PassesThrough}
	if c.Mode != "" {
		w.batch = c.Images
	}
	if err := lane.Do(w.load); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *inference) load(sc *torch.Scope) error {
	formula := nn.Formula{Seed: w.seed}
	if err := w.model.Params.Load(sc, formula); err != nil {
		return err
	}
	w.images = sc.Keep(images(sc, formula, 0, w.batch, w.model.Bands, w.pixels))
	return nil
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
		return w.model.Forward(sc, w.images)
	case w.within == throughNetwork:
		return w.model.WholeSamples(sc, w.images, w.passes)
	}
	return w.model.Samples(sc, w.images, w.passes)
}

func (w *inference) iterate(n int, c *clock) error {
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
		return w.model.Forward(sc, w.row(sc, first, count)).CopyFloat32(logits)
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

func (w *inference) outputs(check string) (outputs, error) {
	if !slices.Contains([]string{"", protocol.CheckLogits, protocol.CheckDigests}, check) {
		return outputs{}, noCheck(check)
	}
	shape := []int{w.batch}
	if w.passes > 0 {
		shape = []int{w.passes, w.batch}
	}
	logits := make([]float32, w.batch*max(w.passes, 1))
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

func (w *inference) close() error {
	w.model.Params.Free()
	return w.lane.Close()
}
