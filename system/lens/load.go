package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lensbench/cli"
	"lensbench/system/loader"
	"lensbench/system/stretch"
	"lensbench/system/survey"
)

// A loading is what the user asked load for.
type loading struct {
	data, stretch string
	config        loader.Config
	epochs        int
	step          time.Duration
	json, digest  bool
}

// noStretch is the value of --stretch for pixels as they are.
const noStretch = "none"

func newLoadCommand() *cobra.Command {
	var l loading
	c := &cobra.Command{
		Use:   "load --data DIR",
		Short: "Measure how fast images are loaded, and how long training would wait for them",
		Long: `load reads a data set as training does and throws the batches away. After each epoch
it says how many images a second came, and how long a step waited for its batch: the
first, for which nothing can be ready, and the others. With --step each step takes
that long, so that batches are loaded meanwhile; when its waits are short, the
workers keep up with a network that takes that long.`,
		Example: "  lens load --data survey --workers 2 --epochs 3 --step 20ms",
		Args:    cli.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "data"); err != nil {
				return err
			}
			return l.run(c.Context(), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&l.data, "data", "", "`directory` of a data set, or of .npy or .png files")
	f.IntVar(&l.config.Batch, "batch", 64, "`number` of images of a batch")
	f.IntVar(&l.config.Workers, "workers", 2, "`number` of goroutines that load; 0 loads when a batch is wanted")
	f.IntVar(&l.config.Prefetch, "prefetch", 4, "`number` of batches ahead, in all; 0 is two per worker")
	f.BoolVar(&l.config.Shuffle, "shuffle", false, "another order in every epoch")
	f.Uint64Var(&l.config.Seed, "seed", 1, "`number` that the order depends on")
	f.StringVar(&l.stretch, "stretch", string(stretch.Asinh), "`name` of the normalisation: "+strings.Join(stretch.Names, ", ")+" or "+noStretch)
	f.IntVar(&l.epochs, "epochs", 3, "`number` of times to read all images")
	f.DurationVar(&l.step, "step", 0, "`time` that a step takes, such as 20ms")
	f.BoolVar(&l.digest, "digest", false, "say the SHA-256 of an epoch's pixels too, which takes time")
	f.BoolVar(&l.json, "json", false, "print a JSON object per epoch")
	return c
}

func (l loading) run(ctx context.Context, out io.Writer) error {
	if l.epochs < 1 {
		return fmt.Errorf("%q: want at least 1 epoch", fmt.Sprintf("--epochs %d", l.epochs))
	}
	if l.stretch != noStretch {
		if !slices.Contains(stretch.Names, l.stretch) {
			return cli.Unknown(l.stretch, "stretch", append(slices.Clone(stretch.Names), noStretch))
		}
		l.config.Stretch = stretch.Stretch(l.stretch)
	}
	images, err := survey.OpenImages(l.data)
	if err != nil {
		return err
	}
	from, err := loader.New(images, l.config)
	if err != nil {
		return err
	}
	if !l.json {
		fmt.Fprintln(out, "epoch    images  images/s  first wait  wait per step  longest")
	}
	for epoch := range l.epochs {
		e, err := l.epoch(ctx, from, epoch)
		if err != nil {
			return err
		}
		if err := e.print(out, l.json); err != nil {
			return err
		}
	}
	return nil
}

// epoch reads all images once.
func (l loading) epoch(ctx context.Context, from *loader.Loader, epoch int) (loadedEpoch, error) {
	begin := time.Now()
	s := from.Epoch(ctx, epoch, 0)
	defer s.Close()
	images, sum := 0, sha256.New()
	for {
		b, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return loadedEpoch{}, err
		}
		images += len(b.Index)
		if l.digest {
			binary.Write(sum, binary.LittleEndian, b.Pixels)
		}
		time.Sleep(l.step)
		s.Release(b)
	}
	seconds := time.Since(begin).Seconds()
	w := s.Stats()
	e := loadedEpoch{epoch, images, w.Batches, seconds, float64(images) / seconds, w.First, w.PerStep(), w.Longest, ""}
	if l.digest {
		e.Digest = hex.EncodeToString(sum.Sum(nil))
	}
	return e, nil
}

// A loadedEpoch is what load says of one; times are in seconds.
type loadedEpoch struct {
	Epoch       int     `json:"epoch"`
	Images      int     `json:"images"`
	Batches     int     `json:"batches"`
	Seconds     float64 `json:"seconds"`
	PerSecond   float64 `json:"images_per_second"`
	FirstWait   float64 `json:"first_wait"`    // for the first batch
	WaitPerStep float64 `json:"wait_per_step"` // mean of the others
	LongestWait float64 `json:"longest_wait"`
	Digest      string  `json:"digest,omitempty"`
}

func (e loadedEpoch) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(e)
	}
	const ms = 1000
	line := fmt.Sprintf("%5d %9d %9.0f %8.2f ms %11.2f ms %5.2f ms  %s",
		e.Epoch, e.Images, e.PerSecond, e.FirstWait*ms, e.WaitPerStep*ms, e.LongestWait*ms, e.Digest)
	_, err := fmt.Fprintln(out, strings.TrimRight(line, " "))
	return err
}
