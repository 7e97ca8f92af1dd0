package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/protocol"
	"lensbench/record"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print what this build is",
		Example: "  bench version",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "bench %s, %s, worker protocol %d, records schema %d\n",
				buildText(), runtime.Version(), protocol.Version, record.Schema)
			return err
		},
	}
}

// buildText is the module's version and the identity of the executable, the
// same that runs record.
func buildText() string {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	return version + " build " + record.Host{}.Context(nil).Bench
}
