package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/cli/status"
	"lensbench/system/fusion"
	"lensbench/system/score"
	"lensbench/system/survey"
	"lensbench/system/trained"
)

// A prediction is what the user asked predict for.
type prediction struct {
	names          []string // of trained networks; none: model and weights
	model, weights string
	images, split  string
	field          string
	stride         int
	output, fusion string
	config         score.Config
	raw            bool // no temperature
	threshold      float64
	command        *cobra.Command
}

func newPredictCommand() *cobra.Command {
	var p prediction
	c := &cobra.Command{
		Use:   "predict NAME... --images PATH",
		Short: "Score images with trained networks",
		Long: `predict scores images with trained networks, found by name or directory, and writes a
line of CSV for each: its name, the probability that it is a lens, and the logit. Of
several networks it is the fusion of their logits, and each network's logit stands
beside it. With --monte-carlo K the logit is the mean of K passes with dropout, and its
standard deviation is told. -o FILE.npy is an array of the logits alone.

--field FILE scores one large image [bands, height, width] in overlapping tiles, and
writes candidates with their places, and the map of probabilities, into a directory.

--model and --weights, without a name, score a float32 .npy of shape (N, bands, height,
width) as it is, with weights of PyTorch or of lens init, to an .npy of logits.`,
		Example: "  lens predict mine --images survey --split test -o scores.csv\n" +
			"  lens predict a b c --images stamps --monte-carlo 20\n" +
			"  lens predict mine --field tile.npy -o candidates\n" +
			"  lens predict --model resnet18 --weights w.safetensors --images x.npy -o logits.npy",
		RunE: func(c *cobra.Command, names []string) error {
			p.names = names
			if err := p.check(); err != nil {
				return err
			}
			return p.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	p.command = c
	f := c.Flags()
	modelFlag(c, &p.model)
	f.StringVar(&p.weights, "weights", "", "safetensors `file` with the parameters of --model")
	f.StringVar(&p.images, "images", "", "data set, or directory or file of images: `path`")
	f.StringVar(&p.split, "split", "", "`part` of the data set; all of it if none is named")
	f.StringVar(&p.field, "field", "", "`file` of one large image, instead of --images")
	f.IntVar(&p.stride, "stride", 0, "`pixels` from tile to tile of a field; 0 is a quarter of a tile")
	f.Float64Var(&p.threshold, "threshold", 0.5, "least `probability` of a candidate in a field")
	f.StringVarP(&p.output, "output", "o", "", "`file` to write, .csv or .npy, or directory for a field")
	f.StringVar(&p.fusion, "fusion", "", "`kind` of fusion: "+strings.Join(fusion.Kinds, ", ")+" (the first with --monte-carlo, else the second)")
	f.IntVar(&p.config.MonteCarlo, "monte-carlo", 0, "`number` of passes with dropout; 0 is one without")
	f.Uint64Var(&p.config.Seed, "seed", 1, "`number` that dropout depends on")
	f.BoolVar(&p.raw, "raw", false, "do not divide logits by the networks' temperatures")
	f.IntVar(&p.config.Batch, "batch", 32, "`number` of images per forward pass")
	f.IntVar(&p.config.Threads, "threads", 0, "`number` of compute threads; 0 uses all cores")
	f.IntVar(&p.config.Workers, "workers", 2, "`number` of goroutines that read images")
	planFlag(c, &p.config.Plan)
	return c
}

func (p *prediction) check() error {
	if p.config.Batch < 1 {
		return fmt.Errorf("%q: want at least 1 image", fmt.Sprintf("--batch %d", p.config.Batch))
	}
	if p.config.Threads < 0 || p.config.Threads > 1024 {
		return fmt.Errorf("%q: want 0 to 1024 threads", fmt.Sprintf("--threads %d", p.config.Threads))
	}
	if p.config.MonteCarlo < 0 || p.config.MonteCarlo == 1 {
		return fmt.Errorf("%q: want 2 or more passes, or 0 for one without dropout", fmt.Sprintf("--monte-carlo %d", p.config.MonteCarlo))
	}
	if len(p.names) == 0 {
		if err := p.checkPlain(); err != nil {
			return err
		}
		return cli.Required(p.command, "model", "weights", "images", "output")
	}
	if p.model != "" || p.weights != "" {
		return fmt.Errorf("%q: is a trained network; --model and --weights are for one without a name", p.names[0])
	}
	if p.fusion != "" && p.fusion != fusion.Mean && p.fusion != fusion.InverseVariance {
		return cli.Unknown(p.fusion, "fusion", fusion.Kinds)
	}
	if p.fusion == fusion.InverseVariance && p.config.MonteCarlo == 0 {
		return fmt.Errorf("%q: takes variances, which --monte-carlo gives", "--fusion "+p.fusion)
	}
	if p.fusion == "" {
		p.fusion = fusion.Mean
		if p.config.MonteCarlo > 0 {
			p.fusion = fusion.InverseVariance
		}
	}
	if p.field != "" {
		if p.config.Plan != "" {
			return fmt.Errorf("%q: is for --images", "--plan "+string(p.config.Plan))
		}
		return p.checkField()
	}
	return cli.Required(p.command, "images")
}

// checkPlain refuses what only trained networks have.
func (p *prediction) checkPlain() error {
	for _, name := range []string{"split", "field", "fusion", "monte-carlo", "raw", "plan"} {
		if p.command.Flags().Changed(name) {
			return fmt.Errorf("%q: wants the NAME of a trained network", "--"+name)
		}
	}
	return nil
}

func (p *prediction) run(ctx context.Context, stdout, stderr io.Writer) error {
	if len(p.names) == 0 {
		return plainPrediction{p.model, p.weights, p.images, p.output, p.config.Batch, p.config.Threads}.run(ctx)
	}
	networks, err := findNetworks(p.names)
	if err != nil {
		return err
	}
	if p.field != "" {
		return p.runField(ctx, networks, stdout, status.New(stderr))
	}
	images, err := p.openImages(networks)
	if err != nil {
		return err
	}
	if p.output != "" {
		if err := checkWritable(p.output); err != nil {
			return err
		}
	}
	scores, err := p.score(ctx, networks, images, status.New(stderr))
	if err != nil {
		return err
	}
	return scores.write(p.output, stdout)
}

// openImages opens the images and makes sure that all networks take them.
func (p *prediction) openImages(networks []*trained.Network) (survey.Images, error) {
	images, err := survey.OpenImages(p.images)
	if err != nil {
		return nil, err
	}
	if p.split != "" {
		if images, err = survey.Part(images, p.split); err != nil {
			return nil, fmt.Errorf("%s: %w", p.images, err)
		}
	}
	for i, n := range networks {
		if err := score.Suits(n, images); err != nil {
			return nil, fmt.Errorf("%s: %w", p.names[i], err)
		}
	}
	return images, nil
}

// score scores the images with all networks and fuses what they say.
func (p *prediction) score(ctx context.Context, networks []*trained.Network, images survey.Images, line *status.Line) (*predictedScores, error) {
	defer line.Finish()
	out := &predictedScores{images: images, names: p.names}
	watched := &survey.Watched{Images: images}
	for i, n := range networks {
		c := p.config
		c.Watch = func(done, of int) { line.Count(p.names[i], done, of) }
		s, err := score.Images(ctx, n, watched, c)
		if err != nil {
			return nil, err
		}
		if !p.raw {
			s.Calibrate(n.Manifest.Temperature)
		}
		out.members = append(out.members, fusion.Member{Name: p.names[i], Logit: s.Logit, Variance: s.Variance})
	}
	noteConstant(line, watched.Constant(), images.Len())
	var err error
	out.logit, out.variance, err = fusion.Fuse(p.fusion, out.members)
	return out, err
}
