package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/cli/status"
	"lensbench/system/ranks"
	"lensbench/system/survey"
	"lensbench/system/train"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A training is what the user asked train for.
type training struct {
	job        train.Job
	data, name string
	validation string // another data set; "": a part of data
	every      time.Duration
	resume     bool
	from       string // checkpoint to resume
	json       bool
	ranks      int           // processes to train in, on this machine; 0: those of the environment
	timeout    time.Duration // after which a rank that others wait for is lost
	command    *cobra.Command
}

func newTrainCommand() *cobra.Command {
	t := training{job: train.Job{Settings: train.DefaultSettings}}
	c := &cobra.Command{
		Use:   "train --data DIR --model M --name NAME",
		Short: "Train a network on a labelled data set",
		Long: `train trains a network on the training images of a data set and chooses by its
validation images. What it leaves in its directory, models/NAME in the cache or
that of -o: model.json and weights.safetensors, the network, which other commands
find by NAME or directory; metrics.jsonl, its course; and two checkpoints.

A run that was interrupted or killed at any moment goes on with --resume, from its
last checkpoint, to the same weights as an unbroken one, to the bit. Settings are
taken from the checkpoint then.

Several processes, called ranks, train one network together: --ranks N starts them
on this machine, torchrun, Slurm's srun and the Kubernetes PyTorchJob on several.
Each has --batch images of every step, and --threads threads. Settings are those of
rank 0, which alone writes files and needs the checkpoint to go on from; the data
set has to be there for all. Another number of ranks may go on with a run.`,
		Example: "  lens train --data survey --model resnet18 --name mine\n" +
			"  lens train --data survey --model resnet18 --name both --ranks 2 --batch 32\n" +
			"  torchrun --no-python --nproc-per-node 2 lens train --data survey --model resnet18 --name both\n" +
			"  lens train --data survey --name mine --resume",
		Args: cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "data"); err != nil {
				return err
			}
			return t.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	t.command = c
	t.addFlags()
	return c
}

func (t *training) run(ctx context.Context, stdout, stderr io.Writer) error {
	place, err := t.rank()
	if err != nil {
		return err
	}
	if err := t.place(); err != nil {
		return err
	}
	if place.Rank == 0 || !t.resume { // others take those of rank 0, which has the checkpoint
		if err := t.settle(place); err != nil {
			return err
		}
	}
	if err := t.openImages(); err != nil {
		return err
	}
	return t.launched(ctx, place, stderr, func(place ranks.Place) error {
		return ranks.Run(place, ranks.Options{Timeout: t.timeout}, func(team *ranks.Team) error {
			return t.together(ctx, team, stdout, stderr)
		})
	})
}

// together trains as one of the ranks, or alone.
func (t *training) together(ctx context.Context, team *ranks.Team, stdout, stderr io.Writer) error {
	if err := t.takeRank0(team); err != nil {
		return err
	}
	line := status.New(stderr)
	share := func(images survey.Images) survey.Images { return survey.Share(images, team.Rank, max(team.World, 1)) }
	if err := verify(ctx, line, share(t.job.Train), share(t.job.Validation)); err != nil {
		return err
	}
	t.job.Team = team
	t.job.Watch = train.NewDisplay(stderr)
	t.job.Every = t.every
	result, err := t.train(ctx)
	if t.job.Budget > 0 && errors.Is(err, torch.ErrOutOfMemory) {
		return fmt.Errorf("%q is too small: %w", "--memory-budget "+t.budget(), err)
	}
	if errors.Is(err, train.ErrInterrupted) && team.Rank == 0 {
		return fmt.Errorf("%w:\n  %s", err, t.resumeCommand())
	}
	if err != nil || result == nil {
		return err
	}
	return t.report(stdout, result)
}

func (t *training) train(ctx context.Context) (*train.Result, error) {
	if t.resume {
		return train.Resume(ctx, t.job, train.Checkpoints[t.from])
	}
	return train.Start(ctx, t.job)
}

// place finds the directory.
func (t *training) place() error {
	switch {
	case t.name == "" && t.job.Dir == "":
		return errors.New("lens train: wants --name NAME, or -o DIR, for what it leaves")
	case t.name != "" && t.job.Dir != "":
		return fmt.Errorf("%q: --name %s has a directory already; leave one of them away", "-o "+t.job.Dir, t.name)
	case t.name != filepath.Base(t.name) && t.name != "" || strings.HasPrefix(t.name, "."):
		return fmt.Errorf("%q: a name is one word without slashes; -o takes a directory", "--name "+t.name)
	}
	if _, ok := train.Checkpoints[t.from]; !ok {
		return cli.Unknown(t.from, "checkpoint", []string{"last", "best"})
	}
	if t.command.Flags().Changed("from") && !t.resume {
		return fmt.Errorf("%q: is for --resume", "--from "+t.from)
	}
	if t.job.Dir != "" {
		return nil
	}
	cache, err := cli.CacheDir()
	t.job.Dir = filepath.Join(trained.Models(cache), t.name)
	return err
}

// openImages opens the images for training and for validation.
func (t *training) openImages() (err error) {
	if t.job.Train, t.job.Validation, err = openParts(t.data, t.validation); err != nil {
		return err
	}
	t.job.About = about(t.job.Train)
	return nil
}

// resumeCommand is how a user goes on with the run.
func (t *training) resumeCommand() string {
	words := []string{"lens train --data", t.data}
	if t.validation != "" {
		words = append(words, "--validation", t.validation)
	}
	if t.name != "" {
		words = append(words, "--name", t.name)
	} else {
		words = append(words, "-o", t.job.Dir)
	}
	if t.job.Budget > 0 {
		words = append(words, "--memory-budget", t.budget())
	}
	if t.ranks > 0 {
		words = append(words, "--ranks", fmt.Sprint(t.ranks))
	}
	return strings.Join(append(words, "--resume"), " ")
}

// budget is the budget of memory as a user may write it.
func (t *training) budget() string { return (*size)(&t.job.Budget).String() }

// report says what the run came to.
func (t *training) report(w io.Writer, r *train.Result) error {
	if t.json {
		return json.NewEncoder(w).Encode(r)
	}
	v := r.Validation
	why := ""
	if r.Ended == train.NoBetter {
		why = fmt.Sprintf(", the last %d without a lower validation loss", t.job.Settings.Stop.Patience)
	}
	_, err := fmt.Fprintf(w, `%s: %s, the best of %d epochs is %d%s
validation: AUROC %.4f, accuracy %.4f, loss %.4f on %d images, %d of them lenses
time: %v, with %.2g ms a step of waiting for images
`, r.Dir, t.job.Settings.Model, r.Epochs, r.Best.Epoch, why, v.AUROC, v.Accuracy, v.Loss, v.Images, v.Lenses,
		time.Duration(r.Seconds*float64(time.Second)).Round(time.Second/10), 1000*r.Wait)
	return err
}
