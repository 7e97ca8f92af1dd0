package main

import (
	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/scenarios"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files",
		Long: `schema prints the JSON Schema of scenario files, with which editors complete and
check them: name it in the first line of a scenario, as
# yaml-language-server: $schema=scenario.json`,
		Example: "  bench schema > scenario.json",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := scenarios.Schema()
			if err == nil {
				_, err = c.OutOrStdout().Write(b)
			}
			return err
		},
	}
}
