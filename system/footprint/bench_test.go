package footprint

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lensbench/system/model"
	"lensbench/system/usage"
	"lensbench/torch"
)

// steps is a process that trains: for each line of standard input it makes steps
// for some time, and prints the seconds of the processor that one took.
func steps(count bool) error {
	if count {
		if err := torch.CountMemory(); err != nil {
			return err
		}
	}
	m, err := model.New(os.Getenv("LENSBENCH_TEST_MODEL"), 3)
	if err != nil {
		return err
	}
	defer m.Params.Free()
	return torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
		t, err := load(sc, m, Settings{Model: m.Name, Pixels: 64, Batch: 8, Bands: 3, Seed: 1})
		if err != nil {
			return err
		}
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			t.step(sc) // the other process has emptied the caches
			seconds, err := processorTime(func() { t.step(sc) })
			if err != nil {
				return err
			}
			fmt.Println(seconds)
		}
		return nil
	})
}

// processorTime is that of one run of f, from a tenth of a second of them. Of one
// thread it is the time that f takes, but for what other processes take meanwhile.
func processorTime(f func()) (seconds float64, err error) {
	begin, err := usage.Counters()
	for n := 1.; err == nil; n++ {
		f()
		var now usage.Usage
		now, err = usage.Counters()
		if spent := now.CPU - begin.CPU; spent > 0.1 {
			return spent / n, err
		}
	}
	return 0, err
}

// A trainer is such a process.
type trainer struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

func startTrainer(b *testing.B, role, network string) trainer {
	cmd := self(role)
	cmd.Env = append(cmd.Env, "LENSBENCH_TEST_MODEL="+network)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	return trainer{in, bufio.NewScanner(out)}
}

func (t trainer) seconds(b *testing.B) float64 {
	fmt.Fprintln(t.in)
	if !t.out.Scan() {
		b.Fatal("the process has ended")
	}
	s, err := strconv.ParseFloat(strings.TrimSpace(t.out.Text()), 64)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkCounting trains with memory counted and without, in turns, two
// processes side by side. It reports the median ratio of a step's processor
// time, and its quartiles.
func BenchmarkCounting(b *testing.B) {
	for _, network := range []string{"resnet18", "light_transformer", model.Tiny} {
		b.Run(network, func(b *testing.B) {
			count, plain := startTrainer(b, "count", network), startTrainer(b, "plain", network)
			var ratios []float64
			for i := 0; b.Loop(); i++ {
				var x, y float64
				if i%2 == 0 {
					x, y = count.seconds(b), plain.seconds(b)
				} else {
					y, x = plain.seconds(b), count.seconds(b)
				}
				ratios = append(ratios, x/y)
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/4], "ratio-low")
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(ratios[len(ratios)*3/4], "ratio-high")
		})
	}
}
