package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/script"
	"lensbench/torch"
)

// An export is what the user asked export for.
type export struct {
	names                  []string // of a trained network, at most one
	model, weights, script string
	bands                  int
}

func newExportCommand() *cobra.Command {
	var e export
	c := &cobra.Command{
		Use:   "export [NAME] --torchscript FILE",
		Short: "Write a network as TorchScript, for PyTorch",
		Long: `export writes a network as TorchScript, which PyTorch and libtorch load without our
code: torch.jit.load. It maps images [N bands H W], stretched and resized as the network
wants them, to logits [N]. Weights are constants and BatchNorm is in the convolutions;
torch.jit.optimize_for_inference makes it faster still on the machine that it is on.`,
		Example: "  lens export mine --torchscript mine.pt\n" +
			"  lens export --model vit_b_16 --weights w.safetensors --torchscript vit.pt",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			e.names = names
			if err := cli.Required(c, "torchscript"); err != nil {
				return err
			}
			return e.run(c)
		},
	}
	modelFlag(c, &e.model)
	c.Flags().StringVar(&e.script, "torchscript", "", "`file` to write")
	c.Flags().StringVar(&e.weights, "weights", "", "safetensors `file` with the weights of --model, instead of a trained network")
	c.Flags().IntVar(&e.bands, "bands", 3, "`number` of bands of the images of --model, 1 to 16")
	return c
}

func (e *export) run(c *cobra.Command) error {
	m, weights, err := e.network(c)
	if err != nil {
		return err
	}
	if err := checkWritable(e.script); err != nil {
		return err
	}
	file, err := nn.OpenFile(weights, m.Params)
	if err != nil {
		return err
	}
	defer file.Close()
	return torch.Session{Inference: true}.Run(func(sc *torch.Scope) error {
		if err := m.Params.Load(sc, file); err != nil {
			return err
		}
		defer m.Params.Free()
		return script.WriteFile(e.script, m)
	})
}

// network is the one to write, and the file with its weights.
func (e *export) network(c *cobra.Command) (m *model.Model, weights string, err error) {
	if len(e.names) == 0 {
		if err := cli.Required(c, "model", "weights"); err != nil {
			return nil, "", fmt.Errorf("%w; or the name of a trained network", err)
		}
		m, err = newModel(e.model, e.bands)
		return m, e.weights, err
	}
	for _, name := range []string{"model", "weights", "bands"} {
		if c.Flags().Changed(name) {
			return nil, "", errors.New(`"--` + name + `": is for weights without a name, and ` + e.names[0] + " is a trained network")
		}
	}
	networks, err := findNetworks(e.names)
	if err != nil {
		return nil, "", err
	}
	m, err = networks[0].Model()
	return m, networks[0].WeightsPath(), err
}
