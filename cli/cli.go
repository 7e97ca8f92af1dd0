// Package cli is what the two programs' command lines have in common: errors
// of usage that begin with what the user wrote and name what was probably
// meant, short help, completion. Commands themselves are the programs'.
package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lensbench/nearest"
)

// Prepare gives a root command the common manners, a help and a completion
// command. It is called after the program's own commands were added.
func Prepare(root *cobra.Command) {
	root.Args = OnlyCommands
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	root.SilenceErrors, root.SilenceUsage, root.DisableFlagsInUseLine = true, true, true
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelp(root.Name()))
	root.AddCommand(newCompletion(root.Name()))
}

// usageTemplate is cobra's, short and within 100 columns.
const usageTemplate = `Usage:
  {{if .Runnable}}{{.UseLine}}{{end}}{{if and .HasAvailableSubCommands (not .HasParent)}} COMMAND{{end}}{{if .HasExample}}

Example:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 100 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

{{.Root.Name}} COMMAND --help says more.{{end}}
`

// OnlyCommands refuses a word that is no command, with the nearest one.
func OnlyCommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return Unknown(args[0], "command of "+c.CommandPath(), names)
}

// NoArguments refuses arguments of a command that has none.
func NoArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q: %s takes no arguments; see %s --help", args[0], c.CommandPath(), c.CommandPath())
	}
	return nil
}

// Arguments demands between least and most arguments; what names them.
func Arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			example, _, _ := strings.Cut(c.Example, "\n")
			return fmt.Errorf("%s: wants %s; for example\n%s", c.CommandPath(), what, example)
		case len(args) > most:
			return fmt.Errorf("%q: one too many; %s wants %s", args[most], c.CommandPath(), what)
		}
		return nil
	}
}

// Required refuses a command line without one of the named string flags.
func Required(c *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if f := c.Flags().Lookup(name); f.Value.String() == "" {
			word, usage := pflag.UnquoteUsage(f)
			return fmt.Errorf("%s: wants --%s %s (%s)", c.CommandPath(), name, word, usage)
		}
	}
	return nil
}

// Unknown says that a word is not one of the names.
func Unknown(word, what string, names []string) error {
	text := fmt.Sprintf("%q: no such %s; want one of %s", word, what, strings.Join(names, ", "))
	if near := nearest.Name(word, names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return errors.New(text)
}

// flagError rewords what the flag library says, beginning with what the user
// wrote.
func flagError(c *cobra.Command, err error) error {
	var absent *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &absent):
		return Unknown(dashed(absent.GetSpecifiedName()), "flag of "+c.CommandPath(), flagNames(c))
	case errors.As(err, &bare):
		f := bare.GetFlag()
		return fmt.Errorf("%q: has no value; want %s", "--"+f.Name, wantFlag(f))
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return fmt.Errorf("%q: not a valid value; want %s", "--"+f.Name+" "+invalid.GetValue(), wantFlag(f))
	}
	return fmt.Errorf("%s: %w", c.CommandPath(), err)
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

// wantFlag says in words what a flag takes.
func wantFlag(f *pflag.Flag) string {
	word, usage := pflag.UnquoteUsage(f)
	switch f.Value.Type() {
	case "int", "uint64":
		return fmt.Sprintf("a whole number (%s)", usage)
	case "bool":
		return "true or false, or nothing"
	}
	return fmt.Sprintf("%s (%s)", word, usage)
}
