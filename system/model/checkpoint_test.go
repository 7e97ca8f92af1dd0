package model

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"

	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func policy(t testing.TB, s string) nn.Policy {
	t.Helper()
	p, err := nn.ParsePolicy(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// training is Training under a policy.
func training(p nn.Policy) nn.Mode {
	mode := nn.Training
	mode.Checkpoint = p
	return mode
}

// A network is what a training step needs, loaded.
type network struct {
	*Model
	x, y *torch.Tensor // images, labels
}

func load(sc *torch.Scope, name string, batch, pixels int64) (network, error) {
	m, err := New(name, 3)
	if err != nil {
		return network{}, err
	}
	if err := m.Params.Load(sc, nn.Formula{Seed: 6}); err != nil {
		return network{}, err
	}
	m.Params.RequireGrads(true)
	labels := make([]float32, batch)
	for i := range labels {
		labels[i] = float32(i % 2)
	}
	return network{m, images(sc, 5, [4]int64{batch, 3, pixels, pixels}), sc.FromFloat32(labels, batch)}, nil
}

// pass goes forward and back.
func (n network) pass(sc *torch.Scope, p nn.Policy) (loss *torch.Tensor) {
	sc.Scoped(func(sc *torch.Scope) {
		logits := n.ForwardMode(sc, n.x, training(p))
		loss = sc.Keep(sc.BCEWithLogits(logits, n.y))
		logits.Free()
		sc.Backward(loss)
	})
	return loss
}

// outcome is all that a pass leaves: loss, gradients, running statistics, counters,
// and the next random numbers.
func outcome(t *testing.T, name string, batch, pixels int64, p nn.Policy, within func(func())) map[string][]float32 {
	out := map[string][]float32{}
	torchtest.Train(t, func(sc *torch.Scope) {
		n, err := load(sc, name, batch, pixels)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Params.Free()
		sc.Seed(8)
		var loss *torch.Tensor
		within(func() { loss = n.pass(sc, p) })
		out["loss"] = copied(t, sc.To(loss, torch.Float32)) // of bfloat16 under autocast
		for _, p := range n.Params.All() {
			switch {
			case p.Counter:
				out[p.Name] = []float32{float32(p.Count())}
			case p.Buffer:
				out[p.Name] = copied(t, p.T())
			default:
				out[p.Name] = copied(t, sc.Grad(p.T()))
			}
		}
		out["random numbers"] = copied(t, sc.Rand(4))
	})
	return out
}

func copied(t *testing.T, x *torch.Tensor) []float32 {
	t.Helper()
	v := make([]float32, x.Numel())
	if err := x.CopyFloat32(v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Checkpoints change no bit of what a training step computes, in float32 and under
// autocast.
func TestCheckpoints(t *testing.T) {
	float32s := func(f func()) { f() }
	bfloat16s := func(f func()) { torchtest.Autocast(torch.BFloat16, f) }
	for _, tt := range []struct {
		name          string
		batch, pixels int64
		policies      []string
		precision     string
		within        func(func())
	}{
		{"tiny", 6, 16, []string{"block", "stage", "every-2"}, "float32", float32s},
		{"resnet18", 4, 64, []string{"block", "stage", "every-3"}, "float32", float32s},
		{"resnet34", 4, 64, []string{"block", "stage", "every-2"}, "float32", float32s},
		{"light_transformer", 4, 64, []string{"block", "stage", "every-2"}, "float32", float32s},
		{"vit_b_16", 1, 224, []string{"stage"}, "float32", float32s},
		{"resnet18", 4, 64, []string{"block"}, "bfloat16", bfloat16s},
		{"light_transformer", 4, 64, []string{"block"}, "bfloat16", bfloat16s},
	} {
		t.Run(tt.name+","+tt.precision, func(t *testing.T) {
			want := outcome(t, tt.name, tt.batch, tt.pixels, nn.KeepAll, tt.within)
			for _, p := range tt.policies {
				got := outcome(t, tt.name, tt.batch, tt.pixels, policy(t, p), tt.within)
				for _, name := range slices.Sorted(maps.Keys(want)) {
					if !slices.Equal(want[name], got[name]) {
						t.Errorf("%s: %s differs", p, name)
					}
				}
			}
		})
	}
}

// BenchmarkCheckpoint is a forward and a backward pass under each policy, on one
// thread: its processor time says something on a busy machine, too.
func BenchmarkCheckpoint(b *testing.B) {
	for _, c := range cases {
		for _, p := range policies {
			b.Run(fmt.Sprintf("%s/%s", c.name, p), func(b *testing.B) {
				err := torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
					n, err := load(sc, c.name, c.batch, c.pixels)
					if err != nil {
						return err
					}
					defer n.Params.Free()
					n.pass(sc, policy(b, p)).Free()
					before := cpu()
					for b.Loop() {
						n.pass(sc, policy(b, p)).Free()
						sc.ZeroGrads(trained(n.Params))
					}
					b.ReportMetric((cpu()-before)/float64(b.N), "cpu-s/op")
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// cpu returns the seconds of processor time that the process has used.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func trained(ps *nn.Params) (out []*torch.Tensor) {
	for _, p := range ps.Trained() {
		out = append(out, p.T())
	}
	return out
}
