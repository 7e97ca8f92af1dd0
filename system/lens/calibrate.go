package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/cli/status"
	"lensbench/system/score"
	"lensbench/system/survey"
)

// A calibrator is what the user asked calibrate for.
type calibrator struct {
	name, data, split string
	images            int // at most
	config            score.Config
}

func newCalibrateCommand() *cobra.Command {
	var k calibrator
	c := &cobra.Command{
		Use:   "calibrate NAME --data DIR",
		Short: "Prepare a trained network for int8",
		Long: `calibrate looks at the numbers inside a trained network while it scores validation
images, and leaves their ranges with the network, in ` + score.CalibrationName + `. With them
predict and evaluate compute in 8 bits where --plan int8 asks for it. A network that is
trained further has other weights, and is calibrated again.`,
		Example: "  lens calibrate mine --data survey\n" +
			"  lens evaluate mine --data survey --plan int8",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			k.name = names[0]
			if err := cli.Required(c, "data"); err != nil {
				return err
			}
			if k.images < 1 {
				return fmt.Errorf("%q: want at least 1", fmt.Sprintf("--images %d", k.images))
			}
			return k.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&k.data, "data", "", "data set, or directory or file of images: `path`")
	f.StringVar(&k.split, "split", survey.Validation, "`part` of the data set to look at")
	f.IntVar(&k.images, "images", 512, "largest `number` of images to look at")
	f.IntVar(&k.config.Threads, "threads", 0, "`number` of compute threads; 0 uses all cores")
	f.IntVar(&k.config.Workers, "workers", 2, "`number` of goroutines that read images")
	return c
}

func (k *calibrator) run(ctx context.Context, stdout, stderr io.Writer) error {
	networks, err := findNetworks([]string{k.name})
	if err != nil {
		return err
	}
	all, err := survey.OpenImages(k.data)
	if err != nil {
		return err
	}
	images, err := survey.Part(all, k.split)
	if err != nil {
		return fmt.Errorf("%s: %w", k.data, err)
	}
	images = survey.Share(images, 0, (images.Len()+k.images-1)/k.images) // every so many
	line := status.New(stderr)
	k.config.Watch = func(done, of int) { line.Count(k.name, done, of) }
	found, err := score.Calibrate(ctx, networks[0], images, k.config)
	line.Finish()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: calibrated on %d images\n", filepath.Join(networks[0].Dir, score.CalibrationName), found.Images)
	return err
}
