package score

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lensbench/system/loader"
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
	p, err := newPass(n, images, c)
	if err != nil {
		return nil, err
	}
	var found *plan.Calibration
	err = p.run(func(sc *torch.Scope) error {
		found, err = plan.Observe(sc, p.model, func(yield func(*torch.Tensor) error) error {
			return p.each(ctx, sc, func(_ *torch.Scope, x *torch.Tensor, _ *loader.Batch) error { return yield(x) })
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, found.WriteFile(calibrationPath(n))
}

// ErrUncalibrated says that Calibrate has left nothing with a network.
var ErrUncalibrated = errors.New("no " + CalibrationName)

// Calibration reads what Calibrate left with a network.
func Calibration(n *trained.Network) (*plan.Calibration, error) {
	c, err := plan.ReadCalibration(calibrationPath(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has %w, which an int8 plan takes; lens calibrate makes it", n.Dir, ErrUncalibrated)
	}
	return c, err
}

func calibrationPath(n *trained.Network) string { return filepath.Join(n.Dir, CalibrationName) }
