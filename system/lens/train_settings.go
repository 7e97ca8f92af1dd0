package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lensbench/cli"
	"lensbench/system/model"
	"lensbench/system/ranks"
	"lensbench/system/step"
	"lensbench/system/stretch"
	"lensbench/system/train"
)

// settingFlags are the flags of settings, by the settings' names.
var settingFlags = map[string]string{
	"model": "model", "input": "input", "stretch": "stretch", "seed": "seed", "threads": "threads", "device": "device", "init": "init",
	"epochs": "epochs", "batch": "batch", "rate": "lr", "decay": "weight-decay", "clip": "clip-norm",
	"schedule.kind": "schedule", "schedule.warm_up": "warm-up", "schedule.factor": "plateau-factor", "schedule.patience": "plateau-patience",
	"stop.patience": "patience", "stop.min_delta": "min-delta",
	"augment.dihedral": "flips", "augment.shift": "shift", "augment.zoom": "zoom", "augment.rotation": "rotation", "augment.noise": "noise",
}

func (t *training) addFlags() {
	c, s := t.command, &t.job.Settings
	f := c.Flags()
	f.StringVar(&t.data, "data", "", "data set: `directory` with a part for training and one for validation")
	f.StringVar(&t.validation, "validation", "", "data set to validate on, another `directory`; all of --data is trained on then")
	modelFlag(c, &s.Model)
	f.StringVar(&t.name, "name", "", "`name` of the network, in the cache")
	f.StringVarP(&t.job.Dir, "output", "o", "", "`directory` of the network, instead of a name")
	f.BoolVar(&t.resume, "resume", false, "go on with the run in that directory")
	f.StringVar(&t.from, "from", "last", "`checkpoint` that --resume goes on from: last or best")
	f.StringVar(&t.job.Init, "init", "", "safetensors `file` of first weights, of PyTorch or of another run")
	f.IntVar(&s.Epochs, "epochs", s.Epochs, "`number` of times that all training images are used, at most")
	f.Var(&batch{&s.Batch, &t.job.Auto}, "batch", "`number` of images of a step, in each rank, or auto: the fastest that fits --memory-budget")
	f.Var((*size)(&t.job.Budget), "memory-budget", "`bytes` that all tensors together may take, such as 4GiB; steps then take a few per cent longer")
	f.Float64Var(&s.Rate, "lr", s.Rate, "`rate` of AdamW, at its highest")
	f.Float64Var(&s.Decay, "weight-decay", s.Decay, "weight `decay` of AdamW")
	f.Float64Var(&s.Clip, "clip-norm", s.Clip, "largest `norm` of the gradients; 0 is no limit")
	f.StringVar(&s.Sched.Kind, "schedule", s.Sched.Kind, "`name` of the schedule of the rate: "+strings.Join(train.Schedules, ", "))
	f.Float64Var(&s.Sched.WarmUp, "warm-up", s.Sched.WarmUp, "cosine: `share` of all steps in which the rate grows")
	f.Float64Var(&s.Sched.Factor, "plateau-factor", s.Sched.Factor, "plateau: `factor` of the rate")
	f.IntVar(&s.Sched.Patience, "plateau-patience", s.Sched.Patience, "plateau: `epochs` without a lower validation loss before that")
	f.IntVar(&s.Stop.Patience, "patience", s.Stop.Patience, "`epochs` without a lower validation loss before training ends early; 0 is never")
	f.Float64Var(&s.Stop.MinDelta, "min-delta", s.Stop.MinDelta, "how much lower the `loss` has to be to count")
	addStepFlags(c, &s.Step)
	f.IntVar(&s.Input, "input", 0, "`pixels` on a side that images are resized to; 0 is what the network is meant for")
	f.StringVar((*string)(&s.Stretch), "stretch", string(s.Stretch), "`name` of the normalisation of images: "+strings.Join(stretch.Names, ", "))
	f.BoolVar(&s.Augment.Dihedral, "flips", s.Augment.Dihedral, "vary training images by flips and quarter turns")
	f.IntVar(&s.Augment.Shift, "shift", s.Augment.Shift, "… by shifts of so many `pixels` at most")
	f.Float64Var(&s.Augment.Zoom, "zoom", s.Augment.Zoom, "… by zooms of this `share` at most")
	f.Float64Var(&s.Augment.Rotation, "rotation", s.Augment.Rotation, "… by rotations of so many `degrees` at most")
	f.Float64Var(&s.Augment.Noise, "noise", s.Augment.Noise, "… by noise, in `units` of that of the image, at most")
	f.Uint64Var(&s.Seed, "seed", s.Seed, "`number` that first weights, order, augmentation and dropout depend on")
	f.IntVar(&s.Threads, "threads", 0, "`number` of compute threads, of each rank; 0 uses all cores, or each rank's share of them")
	f.StringVar(&s.Device, "device", s.Device, "`name` of what steps are made on: "+strings.Join(train.Devices, ", ")+"; each rank of a machine takes the next CUDA device")
	f.IntVar(&t.ranks, "ranks", 0, "`number` of processes to start on this machine that train together; 0 is those of the environment, or 1")
	f.DurationVar(&t.timeout, "rank-timeout", ranks.DefaultTimeout, "`time` after which a rank that others wait for is lost")
	f.IntVar(&t.job.Workers, "workers", 2, "`number` of goroutines that read images")
	f.DurationVar(&t.every, "checkpoint-every", 5*time.Minute, "`time` between checkpoints; there is one after every epoch too")
	f.BoolVar(&t.job.Trace, "trace", false, "write digests of each step's gradients and weights, for lens diff; steps take longer")
	f.BoolVar(&t.json, "json", false, "print the result as JSON")
	c.RegisterFlagCompletionFunc("device", cobra.FixedCompletions(train.Devices, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("schedule", cobra.FixedCompletions(train.Schedules, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("from", cobra.FixedCompletions([]string{"last", "best"}, cobra.ShellCompDirectiveNoFileComp))
}

// batch is a number of images, or the wish to have one found.
type batch struct {
	images *int
	auto   *bool
}

const autoBatch = "auto"

func (v *batch) Set(text string) (err error) {
	if *v.auto = text == autoBatch; *v.auto {
		return nil
	}
	*v.images, err = strconv.Atoi(text)
	return err
}

func (v *batch) String() string {
	switch {
	case v.images == nil: // pflag asks one that nobody made
		return ""
	case *v.auto:
		return autoBatch
	}
	return strconv.Itoa(*v.images)
}

func (*batch) Type() string { return "batch" }

// checkBudget refuses what makes no sense with a batch that is to be found.
func (t *training) checkBudget() error {
	s := &t.job.Settings.Step
	why := ""
	switch {
	case t.job.Budget < 0:
		return fmt.Errorf("%q: want a size such as 4GiB", "--memory-budget")
	case !t.job.Auto:
		return nil
	case t.resume:
		why = "the run has its batch, which --resume goes on with"
	case t.job.Budget == 0:
		why = "wants --memory-budget, such as 4GiB, that batches have to fit"
	case s.MicroBatches() > 1:
		why = fmt.Sprintf("with --accumulate %d a step has the images that you say; give --batch a number", s.Accumulate)
	case s.Multi.Mode == step.Progressive:
		why = "with --scale-mode progressive the first steps say nothing of later ones; give --batch a number"
	default:
		return nil
	}
	return fmt.Errorf("%q: %s", "--batch "+autoBatch, why)
}

// settle completes the settings: those of a run that is resumed are taken from
// its checkpoint, and flags may repeat but not change them.
func (t *training) settle(place ranks.Place) error {
	if t.resume {
		if err := t.takeSettings(); err != nil {
			return err
		}
	}
	s := &t.job.Settings
	if s.Model == "" {
		return cli.Required(t.command, "model")
	}
	if s.Threads == 0 {
		s.Threads = t.threadsOf(place)
	}
	m, err := model.New(s.Model, 1)
	if err != nil {
		return cli.Unknown(s.Model, "network", model.Names())
	}
	if s.Input == 0 {
		s.Input = m.Pixels
	}
	if t.job.Init != "" {
		if s.Init, err = train.HashInit(t.job.Init); err != nil {
			return err
		}
	}
	return t.checkValues()
}

// takeSettings takes the settings of the run, and then those of the command line
// once more: what differs is found when the run is resumed.
func (t *training) takeSettings() error {
	state, err := train.Peek(filepath.Join(t.job.Dir, train.Checkpoints[t.from]))
	if err != nil {
		return err
	}
	given := map[string]string{}
	t.command.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	t.job.Settings = state.Settings
	for _, flags := range []map[string]string{settingFlags, stepFlags} {
		for _, name := range flags {
			if value, ok := given[name]; ok {
				if err := t.command.Flags().Set(name, value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checkValues finds what makes no sense, in the words of the command line.
func (t *training) checkValues() error {
	s := &t.job.Settings
	if err := t.checkBudget(); err != nil {
		return err
	}
	if r := s.Outside(); r != nil {
		return fmt.Errorf("%q: want %s", fmt.Sprintf("--%s %g", settingFlags[r.Name], r.Value(s)), r)
	}
	if s.Device != "" && !slices.Contains(train.Devices, s.Device) {
		return cli.Unknown(s.Device, "device", train.Devices)
	}
	if s.Device == train.CPU { // as if it had not been said: a run goes on either way
		s.Device = ""
	}
	if !slices.Contains(train.Schedules, s.Sched.Kind) {
		return cli.Unknown(s.Sched.Kind, "schedule", train.Schedules)
	}
	if !slices.Contains(stretch.Names, string(s.Stretch)) {
		return cli.Unknown(string(s.Stretch), "stretch", stretch.Names)
	}
	if t.job.Workers < 0 || t.job.Workers > 1024 {
		return fmt.Errorf("%q: want 0 to 1024", fmt.Sprintf("--workers %d", t.job.Workers))
	}
	if t.every < 0 {
		return fmt.Errorf("%q: want a time such as 5m, or 0 for a checkpoint after every step", fmt.Sprintf("--checkpoint-every %v", t.every))
	}
	if err := checkStep(&s.Step); err != nil {
		return err
	}
	return s.Augment.Check()
}
