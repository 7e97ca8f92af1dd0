package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/protocol"
	"lensbench/torch"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of what lens stands on",
		Example: "  lens version",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "lens, libtorch %s (%s), %s, worker protocol %d\n",
				torch.Version(), torch.CPUCapability(), runtime.Version(), protocol.Version)
			return err
		},
	}
}
