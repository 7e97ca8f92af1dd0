package main

import "github.com/spf13/cobra"

// newHelp is the help command, which unlike cobra's own fails on a word that
// is no command.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  bench help run",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return onlyCommands(found, rest)
			}
			return found.Help()
		},
	}
}
