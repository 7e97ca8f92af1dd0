package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"lensbench/cli"
	"lensbench/system/cases"
	"lensbench/system/npy"
	"lensbench/system/sky"
)

// A rendering is what the user asked render for.
type rendering struct {
	out, bn, quality string
}

// The values of its flags.
var (
	bnNames      = []string{"exact", "approx"}
	qualityNames = []string{"converged", "simulation"}
)

// convergedTo is the largest difference, relative to the peak, between a
// converged image and the one before it.
const convergedTo = 1e-4

func newRenderCommand() *cobra.Command {
	var r rendering
	c := &cobra.Command{
		Use:   "render CASES.json --out DIR",
		Short: "Render given scenes without noise",
		Long: `render writes one float64 .npy per case, named by its id: noise-free,
pixel-integrated, seen through the point-spread function, in flux per pixel (surface
brightness × area of a pixel). Row 0 is the lowest y.

The input is {"cases": [{"id", "n_pix", "pixel_scale", "psf_fwhm", "lens", "lens_light",
"source"}, …]}; lens is null or has theta_E, q, phi, center_x, center_y, gamma1 and
gamma2; the others are lists of amp, R_sersic, n_sersic, q, phi, center_x, center_y.
Lengths are in arcsec, angles in radians. The point-spread function is a Gaussian of psf_fwhm;
with psf_beta it is Moffat's; or psf_file is a float64 .npy of its samples, a square of odd
side, psf_sampling arcsec apart.

A converged image is refined until it changes by less than 1e-4 of its peak; one
of the quality of a simulation is within 2e-3, and much faster.`,
		Example: "  lens render scenes.json --out images",
		Args:    cli.Arguments(1, 1, "a file of scenes"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "out"); err != nil {
				return err
			}
			return r.run(c.Context(), args[0], c.ErrOrStderr())
		},
	}
	c.Flags().StringVarP(&r.out, "out", "o", "", "`directory` to write to")
	c.Flags().StringVar(&r.bn, "sersic-bn", "exact", "`how` the profiles' b_n is computed: exact, or approx (1.9992 n - 0.3271)")
	c.Flags().StringVar(&r.quality, "quality", "converged", "`quality` of the images: converged or simulation")
	c.RegisterFlagCompletionFunc("sersic-bn", cobra.FixedCompletions(bnNames, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("quality", cobra.FixedCompletions(qualityNames, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (r rendering) run(ctx context.Context, path string, log io.Writer) error {
	bn, ok := map[string]sky.Bn{"exact": sky.BnExact, "approx": sky.BnApprox}[r.bn]
	if !ok {
		return cli.Unknown(r.bn, "way to compute b_n", bnNames)
	}
	if !slices.Contains(qualityNames, r.quality) {
		return cli.Unknown(r.quality, "quality", qualityNames)
	}
	scenes, err := cases.ReadImages(path, bn)
	if err != nil {
		return err
	}
	d := darkroom{scenes: scenes, changes: make([]float64, len(scenes)), rendering: r}
	if d.psfs, err = psfs(filepath.Dir(path), scenes); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	for i, change := range d.changes {
		if change > convergedTo {
			fmt.Fprintf(log, "case %s: the best image still changes by %.1e of its peak\n", scenes[i].ID, change)
		}
	}
	seconds := time.Duration(d.spent.Load()).Seconds()
	fmt.Fprintf(log, "%d images, %.4g s of processor time, %.4g a second\n", len(scenes), seconds, float64(len(scenes))/seconds)
	return nil
}

// psfs returns the point-spread functions of scenes, whose files are in dir.
func psfs(dir string, scenes []cases.Image) ([]*sky.PSF, error) {
	out := make([]*sky.PSF, len(scenes))
	for i, s := range scenes {
		var err error
		switch {
		case s.PSFFile != "":
			out[i], err = readStamp(filepath.Join(dir, filepath.FromSlash(s.PSFFile)), s.PSFSampling)
		case s.Beta > 0:
			out[i], err = sky.Moffat(s.FWHM, s.Beta)
		}
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", s.ID, err)
		}
	}
	return out, nil
}

// readStamp reads the samples of a point-spread function.
func readStamp(path string, sampling float64) (*sky.PSF, error) {
	shape, values, err := npy.ReadFile[float64](path)
	if err != nil {
		return nil, err
	}
	if len(shape) != 2 || shape[0] != shape[1] {
		return nil, fmt.Errorf("%s: shape %s, want a square of odd side", path, npy.ShapeString(shape))
	}
	psf, err := sky.Stamp(values, shape[0], sampling)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return psf, nil
}

// A darkroom is where the images are made.
type darkroom struct {
	rendering
	scenes  []cases.Image
	psfs    []*sky.PSF   // of each; nil: a Gaussian
	changes []float64    // of each image in the last step of its refinement
	next    atomic.Int64 // scene to be rendered
	spent   atomic.Int64 // ns of processor time in rendering
}

// run renders all scenes on all cores.
func (d *darkroom) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), len(d.scenes)) {
		g.Go(func() error { return d.work(ctx) })
	}
	return g.Wait()
}

// work renders one scene after the other. It keeps to its thread, whose time it
// takes.
func (d *darkroom) work(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	renderers := map[sky.Grid]*sky.Renderer{}
	for i := d.next.Add(1) - 1; i < int64(len(d.scenes)); i = d.next.Add(1) - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := &d.scenes[i]
		begin, err := threadTime()
		if err != nil {
			return err
		}
		image := d.render(s, d.psfs[i], renderers, &d.changes[i])
		end, err := threadTime()
		if err != nil {
			return err
		}
		d.spent.Add(end - begin)
		if err := npy.WriteFile(filepath.Join(d.out, s.ID+".npy"), []int{s.Grid.Pixels, s.Grid.Pixels}, image); err != nil {
			return err
		}
	}
	return nil
}

func (d *darkroom) render(s *cases.Image, psf *sky.PSF, renderers map[sky.Grid]*sky.Renderer, change *float64) []float64 {
	bands := []sky.Band{{FWHM: s.FWHM, Light: 1, Source: 1, PSF: psf}}
	if d.quality == "converged" {
		var images [][]float64
		images, *change = sky.Converged(s.Grid, &s.Scene, bands, convergedTo)
		return images[0]
	}
	if renderers[s.Grid] == nil {
		renderers[s.Grid] = sky.NewRenderer(s.Grid, sky.Simulation)
	}
	return renderers[s.Grid].Render(&s.Scene, bands)[0]
}

// threadTime returns the processor time of the calling thread, ns.
func threadTime() (int64, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return t.Nano(), nil
}
