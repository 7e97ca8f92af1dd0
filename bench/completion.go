package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

var shells = map[string]func(root, c *cobra.Command) error{
	"bash":       func(root, c *cobra.Command) error { return root.GenBashCompletionV2(c.OutOrStdout(), true) },
	"fish":       func(root, c *cobra.Command) error { return root.GenFishCompletion(c.OutOrStdout(), true) },
	"powershell": func(root, c *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(c.OutOrStdout()) },
	"zsh":        func(root, c *cobra.Command) error { return root.GenZshCompletion(c.OutOrStdout()) },
}

func newCompletion() *cobra.Command {
	names := slices.Sorted(maps.Keys(shells))
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print the script with which a shell completes bench",
		Long:      fmt.Sprintf("completion prints the script with which a shell (%v) completes bench.", names),
		Example:   "  source <(bench completion bash)",
		Args:      arguments(1, 1, "the name of a shell"),
		ValidArgs: names,
		RunE: func(c *cobra.Command, args []string) error {
			generate, ok := shells[args[0]]
			if !ok {
				return unknown(args[0], "shell that can be completed", names)
			}
			return generate(c.Root(), c)
		},
	}
}
