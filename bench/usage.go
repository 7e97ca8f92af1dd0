package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lensbench/scenarios"
)

// onlyCommands refuses a word that is no command, with the nearest one.
func onlyCommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return unknown(args[0], "command of "+c.CommandPath(), names)
}

// noArguments refuses arguments of a command that has none.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q: %s takes no arguments; see %s --help", args[0], c.CommandPath(), c.CommandPath())
	}
	return nil
}

// arguments demands between least and most arguments; what names them.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s: wants %s; for example\n%s", c.CommandPath(), what, firstLine(c.Example))
		case len(args) > most:
			return fmt.Errorf("%q: one too many; %s wants %s", args[most], c.CommandPath(), what)
		}
		return nil
	}
}

// unknown says that a word is not one of the names.
func unknown(word, what string, names []string) error {
	text := fmt.Sprintf("%q: no such %s; want one of %s", word, what, strings.Join(names, ", "))
	if near := scenarios.Nearest(word, names); near != "" {
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
		return unknown(dashed(absent.GetSpecifiedName()), "flag of "+c.CommandPath(), flagNames(c))
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

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
