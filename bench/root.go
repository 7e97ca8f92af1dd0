package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lensbench/cli"
)

// Exit statuses.
const (
	exitFine      = 0
	exitRegressed = 1 // a comparison that should not be slower is
	exitInvalid   = 2 // usage, or a run that cannot be believed
	exitUndecided = 3 // inconclusive where --decisive forbids it
)

// A status is an error that chooses the exit status. A nil error says nothing
// more: what is to be said has been said.
type status struct {
	code int
	err  error
}

func (s *status) Error() string {
	if s.err == nil {
		return fmt.Sprintf("exit status %d", s.code)
	}
	return s.err.Error()
}

func (s *status) Unwrap() error { return s.err }

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(args)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var s *status
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &s):
		if s.err != nil {
			fmt.Fprintln(stderr, s.err)
		}
		return s.code
	}
	fmt.Fprintln(stderr, err)
	return exitInvalid
}

// newRoot builds the tree of commands. args are kept in the record of a run.
func newRoot(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "bench",
		Short: "Measure which optimisations of the lens finder pay, on this machine",
		Long: `bench measures scenarios: a control and its variants, side by side in processes
of their own, and says with intervals which claims hold on this machine.

Exit status: 0 fine, 1 regressed, 2 invalid run or usage,
3 inconclusive where --decisive forbids it.`,
		Example: "  bench run --suite quick     # measure, in about eight minutes\n" +
			"  bench list                  # what there is to measure",
	}
	root.AddCommand(newRunCommand(args), newNightly(args), newBisect(args), newReport(), newClaims(args), newCompare(), newBaseline(), newReplay(), newHistory(), newCalibrate(args),
		newList(), newCheck(), newSchema(), newDoctor(), newVersion(), newBurn())
	cli.Prepare(root)
	return root
}
