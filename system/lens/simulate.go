package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/cli/status"
	"lensbench/system/sky"
	"lensbench/system/survey"
)

func newSimulateCommand() *cobra.Command {
	var spec survey.Spec
	var out string
	c := &cobra.Command{
		Use:   "simulate -o DIR",
		Short: "Simulate the images of a survey",
		Long: `simulate writes a data set: noisy images of strong lenses and of galaxies that are
none, one .npy per image, float32 [bands, rows, columns] in electrons per second
above the sky, and manifest.json with the parameters, label and SHA-256 of each.
--train, --validation and --test split it into parts that have no image in common.

Image i of a seed has the same bytes whatever the number of images and workers. A
directory that holds just these images already is left as it is.`,
		Example: "  lens simulate --count 100 --pixels 64 --seed 1 -o survey\n" +
			"  lens simulate --train 2000 --validation 500 --test 1000 -o survey",
		Args: cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "output"); err != nil {
				return err
			}
			if parts := spec.Train != 0 || spec.Validation != 0 || spec.Test != 0; parts && !c.Flags().Changed("count") {
				spec.Count = 0
			}
			begin := time.Now()
			line := status.New(c.ErrOrStderr())
			set, made, err := survey.EnsureContext(c.Context(), out, spec, func(done, of int) { line.Count("image", done, of) })
			line.Finish()
			if err != nil {
				return err
			}
			did := "are there already"
			if made {
				did = "made in " + status.Duration(time.Since(begin).Seconds())
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d images of %d×%d pixels in %d bands %s\n",
				out, set.Len(), set.Pixels(), set.Pixels(), set.Bands(), did)
			return err
		},
	}
	c.Flags().IntVar(&spec.Count, "count", 100, fmt.Sprintf("`number` of images, up to %d", survey.MaxCount))
	c.Flags().IntVar(&spec.Train, "train", 0, "`number` of images for training, instead of --count")
	c.Flags().IntVar(&spec.Validation, "validation", 0, "`number` of images to choose and calibrate by while training")
	c.Flags().IntVar(&spec.Test, "test", 0, "`number` of images for evaluation")
	c.Flags().IntVar(&spec.Pixels, "pixels", 64, fmt.Sprintf("`number` of pixels on a side, %d to %d", survey.MinPixels, survey.MaxPixels))
	c.Flags().IntVar(&spec.Bands, "bands", 0, "`number` of bands, the first ones of the survey; 0 is all")
	c.Flags().Uint64Var(&spec.Seed, "seed", 1, "`number` that the images depend on")
	c.Flags().StringVar(&spec.Preset, "preset", survey.DefaultPreset, "`name` of the survey: "+strings.Join(sky.PresetNames(), ", "))
	c.RegisterFlagCompletionFunc("preset", cobra.FixedCompletions(sky.PresetNames(), cobra.ShellCompDirectiveNoFileComp))
	c.Flags().IntVar(&spec.Workers, "workers", 0, "`number` of goroutines; 0 uses all cores")
	c.Flags().StringVarP(&out, "output", "o", "", "`directory` to make")
	return c
}
