package model

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"lensbench/system/nn"
	"lensbench/torch"
)

// What the memory and the time of checkpoints are measured for.
var (
	cases = []struct {
		name          string
		batch, pixels int64
	}{{"resnet34", 32, 64}, {"light_transformer", 32, 112}}
	policies = []string{"none", "block", "every-2", "stage"}
)

// measured are the policies that the memory is measured for: the best one for these
// networks, and all where time does not matter.
func measured() []string {
	if os.Getenv("LENSBENCH_SLOW") != "" {
		return policies
	}
	return []string{"none", "every-2"}
}

// TestActivationPeak: the best policy halves the most bytes that a training step
// has at once beside weights, gradients and images. The counting allocator comes
// before the first tensor, so a process of its own counts.
func TestActivationPeak(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MODEL_TEST_CHILD=memory")
	out, err := cmd.CombinedOutput()
	t.Logf("\n%s", out)
	if err != nil {
		t.Error(err)
	}
}

// measureMemory prints a table and returns the status of the process.
func measureMemory() int {
	err := torch.CountMemory()
	for _, c := range cases {
		err = errors.Join(err, measureNetwork(c.name, c.batch, c.pixels))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func measureNetwork(name string, batch, pixels int64) error {
	return torch.Session{}.Run(func(sc *torch.Scope) error {
		n, err := load(sc, name, batch, pixels)
		if err != nil {
			return err
		}
		defer n.Params.Free()
		var all, least int64
		for _, policy := range measured() {
			p, err := nn.ParsePolicy(policy)
			if err != nil {
				return err
			}
			peak := n.activations(sc, p)
			step := n.step(sc, p)
			if p == nn.KeepAll {
				all, least = peak, peak
			}
			least = min(least, peak)
			fmt.Printf("%-18s %-8s %11d bytes of activations %+6.1f %%   %11d beside the weights\n", name, p, peak, 100*(float64(peak)/float64(all)-1), step)
		}
		if 2*least > all {
			return fmt.Errorf("%s: the best policy has %d bytes of %d, want half", name, least, all)
		}
		return nil
	})
}

// activations measures the peak of a pass above what was there before, the
// gradients included: so it counts none of them, wherever in the pass it is.
func (n network) activations(sc *torch.Scope, p nn.Policy) int64 {
	for _, w := range trained(n.Params) {
		g := sc.Zeros(torch.Float32, w.Shape()...)
		sc.SetGrad(w, g)
		g.Free()
	}
	defer sc.ZeroGrads(trained(n.Params))
	return n.peak(sc, p)
}

// step measures the peak of a pass that makes the gradients, with them.
func (n network) step(sc *torch.Scope, p nn.Policy) int64 {
	defer sc.ZeroGrads(trained(n.Params))
	return n.peak(sc, p)
}

func (n network) peak(sc *torch.Scope, p nn.Policy) int64 {
	before, _ := torch.Memory()
	torch.ResetPeak()
	n.pass(sc, p).Free()
	_, peak := torch.Memory()
	return peak - before
}
