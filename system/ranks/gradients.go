package ranks

import (
	"lensbench/system/nn"
	"lensbench/torch"
)

// Gradients make the steps of a network the same in all ranks. It does what
// PyTorch's DistributedDataParallel does by default: weights and running statistics
// begin as those of rank 0; gradients are means over the ranks, exchanged while
// the backward pass goes on; running statistics are those of rank 0 again before each
// step. The number of BatchNorm's passes, which all count alike, is not sent.
type Gradients struct {
	team    *Team
	buffers []*torch.Tensor
	reducer *torch.Reducer // nil: the team is alone
	fresh   bool           // the last pass was reduced, so that this one begins a step
	reduce  bool           // the pass in work is reduced
}

// NewGradients gives the loaded parameters of all ranks the values of rank 0, and
// requires their gradients. They must not be loaded again as long as it is used.
func NewGradients(t *Team, ps *nn.Params, c torch.ReducerConfig) (*Gradients, error) {
	ps.RequireGrads(true)
	g := &Gradients{team: t, fresh: true}
	var trained []*torch.Tensor
	for _, p := range ps.All() {
		switch {
		case !p.Buffer:
			trained = append(trained, p.T())
		case !p.Counter:
			g.buffers = append(g.buffers, p.T())
		}
	}
	if t.Alone() {
		return g, nil
	}
	err := t.call("comparison of parameters", func() (err error) {
		g.reducer, err = torch.NewReducer(t.group, trained, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := t.Broadcast(append(trained, g.buffers...)...); err != nil {
		g.Free()
		return nil, err
	}
	return g, nil
}

// Shared says whether gradients go through memory that all ranks have, as they do
// where all are on one machine.
func (g *Gradients) Shared() bool { return g.reducer != nil && g.reducer.Shared() }

// Forward announces a forward pass. Where a step accumulates the gradients of
// several passes, last says which is its last: only that one's backward pass waits
// for the other ranks, and reduces the sums.
func (g *Gradients) Forward(last bool) error {
	g.reduce = last
	if g.reducer == nil {
		return nil
	}
	if last {
		if err := g.team.call("forward pass", g.reducer.Forward); err != nil {
			return err
		}
	}
	if !g.fresh {
		g.fresh = last
		return nil
	}
	g.fresh = last
	return g.Share()
}

// Backward announces the backward pass that follows. That one, not this, waits for
// the other ranks; if it fails with torch.ErrConnection, Run says why.
func (g *Gradients) Backward() error {
	if g.reducer == nil || !g.reduce {
		return nil
	}
	return g.team.call("backward pass", g.reducer.Backward)
}

// Share gives running statistics the values of rank 0: before validation in which
// the ranks share the images.
func (g *Gradients) Share() error {
	if g.reducer == nil || len(g.buffers) == 0 {
		return nil
	}
	return g.team.Broadcast(g.buffers...)
}

// Free ends the reduction. It comes before the end of Run's f.
func (g *Gradients) Free() {
	if g.reducer != nil {
		g.reducer.Free()
	}
}

// Steps returns the number of steps of an epoch over that many images: as many
// batches, of that many images in each rank, as every rank has. The loader's shares
// may differ by one image and so by one batch, for which the others would wait.
func Steps(images, batch, world int) int { return images / max(world, 1) / batch }
