package score

import (
	"context"
	"io"

	"lensbench/system/loader"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A pass shows all images to a network, to score them or to see its numbers.
type pass struct {
	Config
	network *trained.Network
	model   *model.Model
	images  survey.Images
}

// newPass checks that the network takes the images and opens what it is made of.
func newPass(n *trained.Network, images survey.Images, c Config) (*pass, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Batch == 0 {
		c.Batch = DefaultBatch
	}
	if err := Suits(n, images); err != nil {
		return nil, err
	}
	m, err := n.Model()
	return &pass{c, n, m, images}, err
}

// run calls do with the network's weights in memory.
func (p *pass) run(do func(sc *torch.Scope) error) error {
	weights, err := nn.OpenFile(p.network.WeightsPath(), p.model.Params)
	if err != nil {
		return err
	}
	defer weights.Close()
	return torch.Session{Threads: p.Threads, Inference: true}.Run(func(sc *torch.Scope) error {
		if err := p.model.Params.Load(sc, weights); err != nil {
			return err
		}
		defer p.model.Params.Free()
		return do(sc)
	})
}

// each calls do with every batch b, and with its images x [N bands side side] in the
// network's own size.
func (p *pass) each(ctx context.Context, sc *torch.Scope, do func(sc *torch.Scope, x *torch.Tensor, b *loader.Batch) error) error {
	ld, err := loader.New(p.images, loader.Config{Batch: p.Batch, Workers: p.Workers, Stretch: p.network.Manifest.Stretch})
	if err != nil {
		return err
	}
	stream := ld.Epoch(ctx, 0, 0)
	defer stream.Close()
	bands, height, width := p.images.Shape()
	for done := 0; ; {
		b, err := stream.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		sc.Scoped(func(sc *torch.Scope) {
			x := sc.FromFloat32(b.Pixels, int64(len(b.Index)), int64(bands), int64(height), int64(width))
			err = do(sc, trained.Resize(sc, x, p.network.Manifest.Input), b)
		})
		if err != nil {
			return err
		}
		done += len(b.Index)
		stream.Release(b)
		if p.Watch != nil {
			p.Watch(done, p.images.Len())
		}
	}
}
