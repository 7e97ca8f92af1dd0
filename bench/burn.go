package main

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/runner"
)

// meanBurst is the mean of the times that burn keeps a core busy, and of those between,
// in which it rests. They are distributed exponentially.
const meanBurst = 500 * time.Millisecond

// burner is the companion of runs that are to be disturbed.
func burner(seed uint64) (*runner.Companion, error) {
	self, err := os.Executable()
	return &runner.Companion{
		Says: "a process that keeps one core busy in bursts of 0.5 s on average",
		Argv: []string{self, "burn", "--seed", strconv.FormatUint(seed, 10)},
	}, err
}

func newBurn() *cobra.Command {
	var seed uint64
	c := &cobra.Command{
		Use:     "burn",
		Hidden:  true,
		Short:   "Keep one core busy in bursts until standard input ends",
		Example: "  bench calibrate --disturb   # which starts it",
		Args:    cli.Arguments(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := context.WithCancel(c.Context())
			defer stop()
			go func() {
				io.Copy(io.Discard, c.InOrStdin())
				stop()
			}()
			burn(ctx, rand.New(rand.NewPCG(seed, 0)))
			return nil
		},
	}
	c.Flags().Uint64Var(&seed, "seed", 0, "of the lengths of bursts")
	return c
}

// burn keeps a core busy and rests in turns, until ctx ends.
func burn(ctx context.Context, random *rand.Rand) {
	length := func() time.Duration { return time.Duration(random.ExpFloat64() * float64(meanBurst)) }
	for ctx.Err() == nil {
		for end := time.Now().Add(length()); ctx.Err() == nil && time.Now().Before(end); {
		}
		select {
		case <-ctx.Done():
		case <-time.After(length()):
		}
	}
}
