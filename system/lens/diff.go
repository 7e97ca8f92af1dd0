package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/divergence"
	"lensbench/system/train"
	"lensbench/system/trained"
)

// errDiffer ends lens diff with status 1, as diff does; it has no words.
var errDiffer = errors.New("")

func newDiffCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Where two training runs part ways",
		Long: `diff compares two training runs, found by name or directory: their settings, images
and machines, the steps of their traces (lens train --trace), their journals and
their weights. It names the first step and parameter that differ, as far as what
the runs have left can tell.

Exit status: 0 if nothing that was computed differs, 1 if something does.`,
		Example: "  lens train --data survey --model resnet18 --name a --trace\n" +
			"  lens train --data survey --model resnet18 --name b --trace\n" +
			"  lens diff a b",
		Args: cli.Arguments(2, 2, "two runs, A and B"),
		RunE: func(c *cobra.Command, args []string) error {
			var dirs [2]string
			for i, name := range args {
				dir, err := runDir(name)
				if err != nil {
					return err
				}
				dirs[i] = dir
			}
			r, err := divergence.Compare(dirs[0], dirs[1])
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(c.OutOrStdout()).Encode(r)
			} else {
				err = r.Write(c.OutOrStdout())
			}
			if err == nil && !r.Equal() {
				err = errDiffer
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return c
}

// runDir finds the directory of a run, whether it has ended or not.
func runDir(name string) (string, error) {
	cache, err := cli.CacheDir()
	if err != nil {
		return "", err
	}
	named := filepath.Join(trained.Models(cache), name)
	for _, dir := range []string{name, named} {
		if _, err := os.Stat(filepath.Join(dir, train.JournalName)); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%q: no such training run: neither %s nor %s is there", name, filepath.Join(name, train.JournalName), filepath.Join(named, train.JournalName))
}
