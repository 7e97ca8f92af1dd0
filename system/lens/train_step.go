package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/step"
)

// stepFlags are the flags of step.Settings, by the names of train.Settings.
var stepFlags = map[string]string{
	"step.precision": "precision", "step.channels_last": "channels-last", "step.accumulate": "accumulate", "step.checkpointing": "checkpointing", "step.optimizer": "optimizer",
	"step.multi.scales": "scales", "step.multi.mode": "scale-mode", "step.multi.budget": "scale-budget",
	"step.multi.split": "scale-split", "step.multi.checkpointing": "scale-checkpointing", "step.multi.consistency": "consistency",
}

func addStepFlags(c *cobra.Command, s *step.Settings) {
	f, m := c.Flags(), &s.Multi
	f.StringVar(&s.Precision, "precision", s.Precision, "`name` of the precision of forward passes: "+strings.Join(step.Precisions, ", "))
	f.BoolVar(&s.ChannelsLast, "channels-last", s.ChannelsLast, "keep the channels of a pixel side by side in memory, which makes some networks faster")
	f.IntVar(&s.Accumulate, "accumulate", s.Accumulate, "`number` of batches whose gradients make one step; 0 is 1")
	f.StringVar(&s.Checkpointing, "checkpointing", s.Checkpointing, "`policy` of what the backward pass computes again instead of keeping it: none, block, stage, every-2, …")
	f.StringVar(&s.Optimizer, "optimizer", s.Optimizer, "`name` of the way AdamW changes weights: fused, in one kernel, or loop, weight by weight")
	f.Var((*sides)(&m.Scales), "scales", "`pixels` of the sides at which every image is seen, such as 64,112,224")
	f.StringVar(&m.Mode, "scale-mode", m.Mode, "`name` of the way back from several scales: "+strings.Join(step.ScaleModes, ", "))
	f.Var((*size)(&m.Budget), "scale-budget", "`bytes` of activations that a group of scales may have, such as 2GiB, for --scale-mode grouped")
	f.BoolVar(&m.Split, "scale-split", m.Split, "pass images through large scales in parts as large as the batch at the smallest")
	f.StringVar(&m.Checkpointing, "scale-checkpointing", m.Checkpointing, "`policy` as --checkpointing, for the largest scale alone")
	f.Float64Var(&m.Consistency, "consistency", m.Consistency, "`weight` of the divergence of probabilities between scales")
	c.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(step.Precisions, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("optimizer", cobra.FixedCompletions(step.Optimizers, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("scale-mode", cobra.FixedCompletions(step.ScaleModes, cobra.ShellCompDirectiveNoFileComp))
}

// checkStep finds words that are no names, in the words of the command line.
func checkStep(s *step.Settings) error {
	if s.Precision != "" && !slices.Contains(step.Precisions, s.Precision) {
		return cli.Unknown(s.Precision, "precision", step.Precisions)
	}
	if s.Optimizer != "" && !slices.Contains(step.Optimizers, s.Optimizer) {
		return cli.Unknown(s.Optimizer, "optimizer", step.Optimizers)
	}
	if m := s.Multi.Mode; m != "" && !slices.Contains(step.ScaleModes, m) {
		return cli.Unknown(m, "scale mode", step.ScaleModes)
	}
	return s.Check()
}

// sides are numbers with commas between them. Unlike pflag's own list it may be set
// twice.
type sides []int

func (v *sides) Set(text string) error {
	*v = nil
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		*v = append(*v, n)
	}
	return nil
}

func (v *sides) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*v)), " ", ","), "[]")
}

func (*sides) Type() string { return "sides" }

// size is a number of bytes.
type size int64

func (v *size) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	*v = size(min(n, 1<<62))
	return err
}

func (v *size) String() string {
	if *v == 0 {
		return ""
	}
	return fmt.Sprintf("%dB", int64(*v))
}

func (*size) Type() string { return "size" }
