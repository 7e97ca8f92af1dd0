package score

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"lensbench/system/loader"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// CalibrationName is the name of the file that Calibrate leaves with a network.
const CalibrationName = "calibration.safetensors"

// Calibrate finds the ranges of numbers that an int8 plan takes, on images that are
// neither trained nor tested on, and leaves them with the network.
func Calibrate(ctx context.Context, n *trained.Network, images survey.Images, c Config) (*plan.Calibration, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := Suits(n, images); err != nil {
		return nil, err
	}
	m, err := n.Model()
	if err != nil {
		return nil, err
	}
	weights, err := nn.OpenFile(n.WeightsPath(), m.Params)
	if err != nil {
		return nil, err
	}
	defer weights.Close()
	if c.Batch == 0 {
		c.Batch = DefaultBatch
	}
	ld, err := loader.New(images, loader.Config{Batch: c.Batch, Workers: c.Workers, Stretch: n.Manifest.Stretch})
	if err != nil {
		return nil, err
	}
	var found *plan.Calibration
	err = torch.Session{Threads: c.Threads, Inference: true}.Run(func(sc *torch.Scope) error {
		if err := m.Params.Load(sc, weights); err != nil {
			return err
		}
		defer m.Params.Free()
		found, err = observe(ctx, sc, m, n, images, ld, c.Watch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, found.WriteFile(calibrationPath(n))
}

// observe shows a network all images of a loader.
func observe(ctx context.Context, sc *torch.Scope, m *model.Model, n *trained.Network, images survey.Images, ld *loader.Loader, watch func(done, of int)) (*plan.Calibration, error) {
	bands, height, width := images.Shape()
	stream := ld.Epoch(ctx, 0, 0)
	defer stream.Close()
	done := 0
	return plan.Observe(sc, m, func(yield func(*torch.Tensor) error) error {
		for {
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
				err = yield(trained.Resize(sc, x, n.Manifest.Input))
			})
			if err != nil {
				return err
			}
			done += len(b.Index)
			stream.Release(b)
			if watch != nil {
				watch(done, images.Len())
			}
		}
	})
}

// calibration reads what Calibrate left with a network.
func calibration(n *trained.Network) (*plan.Calibration, error) {
	c, err := plan.ReadCalibration(calibrationPath(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s, which an int8 plan takes; lens calibrate makes it", n.Dir, CalibrationName)
	}
	return c, err
}

func calibrationPath(n *trained.Network) string { return filepath.Join(n.Dir, CalibrationName) }
