package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/atomic"
	"lensbench/system/footprint"
	"lensbench/system/model"
)

// A memoryCommand is what the user asked memory for.
type memoryCommand struct {
	settings footprint.Settings
	out      string // figure to write; "": none
	json     bool
}

func newMemoryCommand() *cobra.Command {
	m := memoryCommand{settings: footprint.Settings{Batch: 32, Bands: 3, Steps: 3, Seed: 1}}
	c := &cobra.Command{
		Use:   "memory --model M",
		Short: "Say how much memory training takes, and what for",
		Long: `memory trains a network on random images for some steps and counts the bytes of all
tensors exactly: the most at once while loading, in the first step and in the steps
after it, and within these in forward passes, backward passes and updates of the weights. Each
peak is broken down to what it was made of. With -o it draws them over time.`,
		Example: "  lens memory --model resnet18 --pixels 64 --batch 32\n" +
			"  lens memory --model light_transformer --batch 16 -o timeline.svg",
		Args: cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "model"); err != nil {
				return err
			}
			return m.run(c.OutOrStdout())
		},
	}
	s, f := &m.settings, c.Flags()
	modelFlag(c, &s.Model)
	f.IntVar(&s.Pixels, "pixels", 0, "`pixels` on a side of the images; 0 is what the network is meant for")
	f.IntVar(&s.Batch, "batch", s.Batch, "`number` of images of a step")
	f.IntVar(&s.Bands, "bands", s.Bands, "`number` of bands of the images, 1 to 16")
	f.IntVar(&s.Steps, "steps", s.Steps, "`number` of steps after the first")
	f.IntVar(&s.Threads, "threads", 0, "`number` of compute threads; 0 uses all cores")
	f.StringVarP(&m.out, "output", "o", "", "`file` for a figure of memory over time, .svg or .png")
	f.BoolVar(&m.json, "json", false, "print bytes as JSON")
	return c
}

func (m *memoryCommand) run(stdout io.Writer) error {
	if err := m.settle(); err != nil {
		return err
	}
	f, err := footprint.Measure(m.settings)
	if err != nil {
		return err
	}
	if err := m.draw(f); err != nil {
		return err
	}
	if m.json {
		return f.JSON(stdout)
	}
	return f.Text(stdout)
}

// settle completes and checks what was asked for, before anything is measured.
func (m *memoryCommand) settle() error {
	s := &m.settings
	net, err := model.New(s.Model, 1)
	if err != nil {
		return cli.Unknown(s.Model, "network", model.Names())
	}
	if s.Pixels == 0 {
		s.Pixels = net.Pixels
	}
	if err := s.Check(); err != nil {
		flag, want, _ := strings.Cut(err.Error(), ": ")
		return fmt.Errorf("%q: %s", "--"+flag, want)
	}
	if err := net.CheckSize(s.Pixels, s.Pixels); err != nil {
		return fmt.Errorf("%q: %w", fmt.Sprintf("--pixels %d", s.Pixels), err)
	}
	if m.out == "" {
		return nil
	}
	if !slices.Contains(footprint.FileKinds, strings.ToLower(filepath.Ext(m.out))) {
		return fmt.Errorf("%q: a figure is a file of the kind %s", "-o "+m.out, strings.Join(footprint.FileKinds, " or "))
	}
	if _, err := os.Stat(filepath.Dir(m.out)); err != nil {
		return fmt.Errorf("%q: %w", "-o "+m.out, err)
	}
	s.Events = footprint.EventsOf(s.Steps + 1)
	return nil
}

// draw writes the figure, if one is wanted.
func (m *memoryCommand) draw(f *footprint.Footprint) error {
	if m.out == "" {
		return nil
	}
	figure, err := f.Timeline(m.out)
	if err != nil {
		return err
	}
	return atomic.WriteFile(m.out, func(w io.Writer) error {
		_, err := figure.WriteTo(w)
		return err
	})
}
