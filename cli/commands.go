package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// newHelp is the help command, which unlike cobra's own fails on a word that
// is no command.
func newHelp(program string) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  " + program + " help version",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return OnlyCommands(found, rest)
			}
			return found.Help()
		},
	}
}

var shells = map[string]func(root, c *cobra.Command) error{
	"bash":       func(root, c *cobra.Command) error { return root.GenBashCompletionV2(c.OutOrStdout(), true) },
	"fish":       func(root, c *cobra.Command) error { return root.GenFishCompletion(c.OutOrStdout(), true) },
	"powershell": func(root, c *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(c.OutOrStdout()) },
	"zsh":        func(root, c *cobra.Command) error { return root.GenZshCompletion(c.OutOrStdout()) },
}

func newCompletion(program string) *cobra.Command {
	names := slices.Sorted(maps.Keys(shells))
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print the script with which a shell completes " + program,
		Long:      fmt.Sprintf("completion prints the script with which a shell (%v) completes %s.", names, program),
		Example:   "  source <(" + program + " completion bash)",
		Args:      Arguments(1, 1, "the name of a shell"),
		ValidArgs: names,
		RunE: func(c *cobra.Command, args []string) error {
			generate, ok := shells[args[0]]
			if !ok {
				return Unknown(args[0], "shell that can be completed", names)
			}
			return generate(c.Root(), c)
		},
	}
}
