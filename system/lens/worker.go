package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/ensemble"
	"lensbench/system/worker"
)

// rankCommand is the name of the hidden command that worker starts for each rank of a
// training of several, but for rank 0.
const rankCommand = "rank"

// memberCommand is the name of the hidden command that worker starts for each
// member of an ensemble in processes.
const memberCommand = "member"

func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Do measured work for bench, which starts it",
		Long: `worker answers requests in bench's worker protocol, one JSON object a line on
standard input and output, until its input ends.`,
		Example: `  echo '{"id": 1, "op": "hello"}' | lens worker`,
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			defer exitWith(c.Context())()
			out, err := worker.ClaimOutput()
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			s := worker.Server{Member: []string{self, memberCommand}, Rank: []string{self, rankCommand}}
			return s.Serve(c.InOrStdin(), out)
		},
	}
}

func newRankCommand() *cobra.Command {
	return &cobra.Command{
		Use:    rankCommand,
		Short:  "Be one rank of a training of several",
		Hidden: true,
		Args:   cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			defer exitWith(c.Context())()
			return worker.ServeRank()
		},
	}
}

func newMemberCommand() *cobra.Command {
	return &cobra.Command{
		Use:    memberCommand,
		Short:  "Be one member of an ensemble in processes",
		Hidden: true,
		Args:   cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			defer exitWith(c.Context())()
			return ensemble.ServeMember()
		},
	}
}

// exitWith ends the program when it is interrupted, until stop is called:
// reading a request cannot be interrupted otherwise, and there is nothing to
// save. Member processes end with their parent.
func exitWith(ctx context.Context) (stop func() bool) {
	const interrupted = 130 // 128 and SIGINT's number, as shells say it
	return context.AfterFunc(ctx, func() { os.Exit(interrupted) })
}
