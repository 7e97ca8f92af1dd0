package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/npy"
	"lensbench/torch"
)

// A plainPrediction scores an array of images with a network of given weights.
type plainPrediction struct {
	model, weights, images, output string
	batch, threads                 int
}

func (p plainPrediction) run(ctx context.Context) error {
	if err := checkWritable(p.output); err != nil {
		return err
	}
	images, err := npy.OpenRows[float32](p.images)
	if err != nil {
		return err
	}
	defer images.Close()
	m, err := p.network(images.Shape())
	if err != nil {
		return err
	}
	logits := make([]float32, images.Shape()[0])
	if err := p.score(ctx, m, images, logits); err != nil {
		return err
	}
	return npy.WriteFile(p.output, []int{len(logits)}, logits)
}

// network returns the network for images of that shape, still without weights.
func (p plainPrediction) network(shape []int) (*model.Model, error) {
	if len(shape) != 4 {
		return nil, fmt.Errorf("%s: shape %s; want (N, bands, height, width)", p.images, npy.ShapeString(shape))
	}
	m, err := newModel(p.model, shape[1])
	if err != nil {
		return nil, err
	}
	if err := m.CheckSize(shape[2], shape[3]); err != nil {
		return nil, fmt.Errorf("%s: %w", p.images, err)
	}
	return m, nil
}

func (p plainPrediction) score(ctx context.Context, m *model.Model, images *npy.Rows[float32], logits []float32) error {
	weights, err := nn.OpenFile(p.weights, m.Params)
	if err != nil {
		return err
	}
	defer weights.Close()
	return torch.Session{Threads: p.threads, Inference: true}.Run(func(sc *torch.Scope) error {
		if err := m.Params.Load(sc, weights); err != nil {
			return err
		}
		defer m.Params.Free()
		s := images.Shape()
		each := s[1] * s[2] * s[3]
		pixels := make([]float32, min(p.batch, len(logits))*each)
		for done := 0; done < len(logits); done += p.batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(p.batch, len(logits)-done)
			if err := p.scoreBatch(sc, m, images, pixels[:n*each], logits[done:done+n], done); err != nil {
				return err
			}
		}
		return nil
	})
}

// scoreBatch reads the next len(logits) images, the first of which is number
// first, and scores them.
func (p plainPrediction) scoreBatch(sc *torch.Scope, m *model.Model, images *npy.Rows[float32], pixels, logits []float32, first int) (err error) {
	if err := images.Next(pixels); err != nil {
		return err
	}
	each := len(pixels) / len(logits)
	for i, v := range pixels {
		if v64 := float64(v); math.IsNaN(v64) || math.IsInf(v64, 0) {
			return fmt.Errorf("%s: image %d has a value that is not finite (%v)", p.images, first+i/each, v)
		}
	}
	s := images.Shape()
	sc.Scoped(func(sc *torch.Scope) {
		x := sc.FromFloat32(pixels, int64(len(logits)), int64(s[1]), int64(s[2]), int64(s[3]))
		err = m.Forward(sc, x).CopyFloat32(logits)
	})
	return err
}

// checkWritable finds out before the work whether a file can be written there.
func checkWritable(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: is not a file that can be written", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".lens-")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: directory %s does not exist", path, filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("%s: cannot write there: %w", path, err)
	}
	f.Close()
	return os.Remove(f.Name())
}
