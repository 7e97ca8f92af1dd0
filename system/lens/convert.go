package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/cli/status"
	"lensbench/system/survey"
)

func newConvertCommand() *cobra.Command {
	var out, format string
	var hdus []string
	c := &cobra.Command{
		Use:   "convert IN -o OUT",
		Short: "Convert images between FITS, .npy, PNG and TIFF",
		Long: `convert reads images, of a data set, a CSV manifest, a directory or a file, and writes
a directory with one file each and manifest.csv: labels, parts and SHA-256 of all.

npy and fits keep every value, as float64 where float32 cannot hold it. png and tiff have 16
bits: the smallest value of an image becomes 0, the largest 65535, and the columns factor and
offset of the manifest bring the values back when it is read.`,
		Example: "  lens convert survey -o fits --format fits\n" +
			"  lens convert field.fits --hdu SCI -o field",
		Args: cli.Arguments(1, 1, "images to convert"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "output"); err != nil {
				return err
			}
			if !slices.Contains(survey.Formats, format) {
				return cli.Unknown(format, "format", survey.Formats)
			}
			images, err := survey.OpenWith(args[0], survey.Options{HDUs: hdus})
			if err != nil {
				return err
			}
			line := status.New(c.ErrOrStderr())
			defer line.Finish()
			err = survey.Convert(c.Context(), images, out, format, func(done, of int) { line.Count("image", done, of) })
			if err != nil {
				return err
			}
			line.Finish()
			bands, height, width := images.Shape()
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d images of %d×%d pixels in %d bands as %s\n", out, images.Len(), height, width, bands, format)
			return err
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`directory` to make")
	c.Flags().StringVar(&format, "format", "npy", "`name` of the format: "+strings.Join(survey.Formats, ", "))
	c.Flags().StringSliceVar(&hdus, "hdu", nil, "`names` or numbers of the HDUs of FITS files, a band each; all images if none is named")
	c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(survey.Formats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func newCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check IMAGES",
		Short: "Read all images and compare them with their manifest",
		Long: `check reads every image of a data set, a CSV manifest, a directory or a file: all must
be of one size, with finite values, not black, and where a manifest has SHA-256 sums, of
just these bytes. It says how many images of which label and part there are.`,
		Example: "  lens check survey",
		Args:    cli.Arguments(1, 1, "images to check"),
		RunE: func(c *cobra.Command, args []string) error {
			images, err := survey.OpenImages(args[0])
			if err != nil {
				return err
			}
			line := status.New(c.ErrOrStderr())
			s, err := survey.Verify(c.Context(), images, func(done, of int) { line.Count("image", done, of) })
			line.Finish()
			if err != nil {
				return err
			}
			if len(s.Constant) > 0 {
				return fmt.Errorf("%s: a band has the same value everywhere; %d images are like that", s.Constant[0], len(s.Constant))
			}
			out := c.OutOrStdout()
			bands, height, width := images.Shape()
			fmt.Fprintf(out, "%s: %s; %d bands of %d×%d pixels\n", args[0], s, bands, height, width)
			for _, name := range survey.Parts(images) {
				part, err := survey.Part(images, name)
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "%s: %d images\n", name, part.Len())
			}
			return nil
		},
	}
}
