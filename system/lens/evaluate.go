package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lensbench/cli/status"
	"lensbench/system/evaluation"
	"lensbench/system/metric"
	"lensbench/system/score"
	"lensbench/system/survey"
)

// An assessment is what the user asked evaluate for.
type assessment struct {
	names              []string // of networks
	data, scores       string
	split, validation  string
	output             string
	config             score.Config
	replicates         int
	seed               uint64
	mistakes           int
	baseline, json     bool
	validationExpected bool // the user has named it
}

func newEvaluateCommand() *cobra.Command {
	var a assessment
	c := &cobra.Command{
		Use:   "evaluate NAME... --data DIR",
		Short: "Measure how well networks find lenses",
		Long: `evaluate scores the test images of a data set with trained networks, found by name or
directory, and says how good they are: AUROC and others with 95 % intervals, purity at
the prevalence of surveys, completeness by Einstein radius and flux ratio, and beside
it all a logistic regression on trivial features, fitted to the training images. Of
several networks the mean is told too. -o makes a directory with a page of figures and
of the worst mistakes as pictures, the score of every image, and all numbers as JSON.

Thresholds are chosen on the validation images and applied to the test images.

--scores evaluates a CSV file of anybody's scores instead: columns label (0 or 1), one
of logit, probability or score, and perhaps split, name, kind, theta_E, flux_ratio.`,
		Example: "  lens evaluate mine --data survey -o report\n" +
			"  lens evaluate --scores scores.csv",
		RunE: func(c *cobra.Command, names []string) error {
			a.names = names
			a.validationExpected = c.Flags().Changed("validation")
			if err := a.check(); err != nil {
				return err
			}
			return a.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&a.data, "data", "", "data set: `directory` that is split into parts")
	f.StringVar(&a.scores, "scores", "", "CSV `file` of scores to evaluate instead of a network")
	f.StringVar(&a.split, "split", survey.Test, "`part` to evaluate on")
	f.StringVar(&a.validation, "validation", survey.Validation, "`part` to choose thresholds on")
	f.StringVarP(&a.output, "output", "o", "", "`directory` for page, scores and numbers")
	f.IntVar(&a.config.Batch, "batch", score.DefaultBatch, "`number` of images per forward pass")
	f.IntVar(&a.config.Threads, "threads", 0, "`number` of compute threads; 0 uses all cores")
	f.IntVar(&a.config.Workers, "workers", 2, "`number` of goroutines that read images")
	planFlag(c, &a.config.Plan)
	f.IntVar(&a.config.MonteCarlo, "monte-carlo", 0, "`number` of passes with dropout, whose mean is the score; 0 is one without")
	f.IntVar(&a.replicates, "replicates", metric.DefaultReplicates, "`number` of bootstrap replicates for the intervals")
	f.Uint64Var(&a.seed, "seed", 1, "`number` that bootstrap and dropout depend on")
	f.IntVar(&a.mistakes, "mistakes", evaluation.DefaultMistakes, "`number` of mistakes of each kind to show")
	f.BoolVar(&a.baseline, "baseline", true, "evaluate the trivial baseline too")
	f.BoolVar(&a.json, "json", false, "print all numbers as JSON")
	return c
}

func (a *assessment) check() error {
	switch {
	case a.scores != "" && (len(a.names) > 0 || a.data != ""):
		return fmt.Errorf("%q: is evaluated alone, without networks and --data", "--scores "+a.scores)
	case a.scores == "" && len(a.names) == 0:
		return errors.New("lens evaluate: wants the NAME of a trained network, or --scores FILE")
	case a.scores == "" && a.data == "":
		return errors.New("lens evaluate: wants --data directory")
	case a.replicates < 10 || a.replicates > 1_000_000:
		return fmt.Errorf("%q: want 10 to 1000000", fmt.Sprintf("--replicates %d", a.replicates))
	case a.mistakes < 1 || a.mistakes > 1000:
		return fmt.Errorf("%q: want 1 to 1000", fmt.Sprintf("--mistakes %d", a.mistakes))
	case a.config.Batch < 1:
		return fmt.Errorf("%q: want at least 1 image", fmt.Sprintf("--batch %d", a.config.Batch))
	}
	return a.config.Check()
}

func (a *assessment) run(ctx context.Context, stdout, stderr io.Writer) error {
	if a.output != "" {
		if err := evaluation.PrepareDir(a.output); err != nil {
			return err
		}
	}
	in, err := a.input(ctx, status.New(stderr))
	if err != nil {
		return err
	}
	in.Bootstrap = metric.Bootstrap{Replicates: a.replicates, Seed: a.seed}
	in.Mistakes = a.mistakes
	d, err := evaluation.New(in)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Data.Path, err)
	}
	if a.output != "" {
		if err := evaluation.WriteDir(a.output, in, d); err != nil {
			return err
		}
	}
	if a.json {
		return d.WriteJSON(stdout)
	}
	if err := d.WriteText(stdout); err != nil || a.output == "" {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nfigures and mistakes: %s\n", filepath.Join(a.output, evaluation.PageName))
	return err
}

// input returns what is to be evaluated.
func (a *assessment) input(ctx context.Context, line *status.Line) (evaluation.Input, error) {
	defer line.Finish()
	if a.scores == "" {
		return a.ofNetworks(ctx, line)
	}
	f, err := os.Open(a.scores)
	if err != nil {
		return evaluation.Input{}, err
	}
	defer f.Close()
	return evaluation.ReadScores(f, a.scores, evaluation.Splits{Test: a.split, Validation: a.validation, Needed: a.validationExpected})
}
