package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/doctor"
)

func newDoctor() *cobra.Command {
	var strict, asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what would spoil the numbers on this machine",
		Long: `doctor looks at the machine as a run would find it: the programs and libtorch, the
processor and accelerators, memory, what else is using them, and room on the disks. It
changes nothing and measures for half a second.

ok    as it should be
--    something optional is not there; arms that need it are skipped
warn  numbers will be noisier than they need to be; exit status 2 with --strict
FAIL  runs cannot work; exit status 2`,
		Example: "  bench doctor\n  bench doctor --strict --json    # for CI",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := doctorOptions()
			if err != nil {
				return err
			}
			findings := doctor.Examine(c.Context(), o)
			if asJSON {
				err = writeJSON(c.OutOrStdout(), findings)
			} else {
				err = doctor.Write(c.OutOrStdout(), findings)
			}
			if err != nil {
				return err
			}
			return fitness(findings, strict)
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "a warning is a failure, too")
	c.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON on standard output")
	return c
}

// fitness is the exit status.
func fitness(findings []doctor.Finding, strict bool) error {
	warnings := doctor.Count(findings, doctor.Warning)
	switch {
	case doctor.Worst(findings) == doctor.Fatal:
		return &status{exitInvalid, errors.New("runs cannot work here: see FAIL above")}
	case strict && warnings > 0:
		return &status{exitInvalid, fmt.Errorf("%s: this machine is not fit to measure; see warn above", count(warnings, "warning"))}
	}
	return nil
}

func doctorOptions() (doctor.Options, error) {
	commands, err := workers()
	if err != nil {
		return doctor.Options{}, err
	}
	cache, err := cli.CacheDir()
	if err != nil {
		return doctor.Options{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return doctor.Options{}, err
	}
	runs, err := filepath.Abs(runsDir())
	return doctor.Options{
		Workers: commands,
		Shim:    filepath.Join(filepath.Dir(self), "liblt.so.1"),
		Cache:   cache,
		Runs:    runs,
	}, err
}
