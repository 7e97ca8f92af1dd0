package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/model"
	"lensbench/system/nn"
)

func newInitCommand() *cobra.Command {
	var name, out string
	var bands int
	var seed uint64
	c := &cobra.Command{
		Use:   "init --model M -o FILE",
		Short: "Write the initial weights of a network",
		Long: `init writes the initial weights of a network as safetensors, under the names of
PyTorch's state_dict. They come from a formula: the same seed gives the same
bytes on every machine.`,
		Example: "  lens init --model resnet18 --bands 3 --seed 1 -o w.safetensors",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "model", "output"); err != nil {
				return err
			}
			m, err := newModel(name, bands)
			if err != nil {
				return err
			}
			if err := checkWritable(out); err != nil {
				return err
			}
			return m.Params.WriteFile(out, nn.Formula{Seed: seed})
		},
	}
	modelFlag(c, &name)
	c.Flags().IntVar(&bands, "bands", 3, "`number` of bands of the images, 1 to 16")
	c.Flags().Uint64Var(&seed, "seed", 1, "`number` that the weights depend on")
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write")
	return c
}

func modelFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "model", "", "`name` of the network: "+strings.Join(model.Names(), ", "))
	c.RegisterFlagCompletionFunc("model", cobra.FixedCompletions(model.Names(), cobra.ShellCompDirectiveNoFileComp))
}

// newModel is model.New with errors that begin with what the user wrote.
func newModel(name string, bands int) (*model.Model, error) {
	if !slices.Contains(model.Names(), name) {
		return nil, cli.Unknown(name, "network", model.Names())
	}
	if bands < 1 || bands > 16 {
		return nil, fmt.Errorf("%q: want 1 to 16 bands", fmt.Sprintf("--bands %d", bands))
	}
	return model.New(name, bands)
}
