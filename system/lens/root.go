package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/train"
)

// run is the program: it returns the exit status, 0 or 2, and 1 where lens diff
// finds a difference.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	switch err := root.ExecuteContext(ctx); {
	case errors.Is(err, errDiffer):
		return 1
	case err != nil:
		fmt.Fprintln(stderr, interrupted(ctx, err))
		return 2
	}
	return 0
}

// interrupted rewords the error of a command that was stopped by a signal. Of a run
// that can be resumed train says so itself.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || errors.Is(err, train.ErrInterrupted) || !errors.Is(err, ctx.Err()) && !errors.Is(err, context.Cause(ctx)) {
		return err
	}
	return errors.New("interrupted; files that were there are as they were, and the same command begins anew")
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "lens",
		Short: "Find strong gravitational lenses: simulate surveys, score images",
		Example: "  lens simulate --count 100 --pixels 64 --seed 1 -o survey\n" +
			"  lens init --model resnet18 --bands 3 --seed 1 -o w.safetensors\n" +
			"  lens predict --model resnet18 --weights w.safetensors --images x.npy -o logits.npy",
	}
	root.AddCommand(newSimulateCommand(), newConvertCommand(), newCheckCommand(), newLoadCommand(), newRenderCommand(), newFieldCommand(), newInitCommand(), newTrainCommand(), newDiffCommand(), newEvaluateCommand(), newCalibrateCommand(), newExportCommand(), newMemoryCommand(), newPredictCommand(), newWorkerCommand(), newMemberCommand(), newRankCommand(), newVersionCommand())
	cli.Prepare(root)
	return root
}
