package optim

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
)

// A way is how an arm trains.
type way struct {
	name         string
	dtype        torch.DType
	channelsLast bool // images and weights
}

// BenchmarkPrecision compares ways to train with float32 in contiguous order, one
// step of each in turn, and reports the median of the ratios of their times: how many
// times as fast. Give it some twenty iterations (-benchtime 20x) on a quiet machine; on
// one that is not, the ratio of processor times is closer to the truth, with
// OMP_WAIT_POLICY=PASSIVE, which keeps waiting threads from using any.
func BenchmarkPrecision(b *testing.B) {
	for _, name := range []string{"resnet18", "light_transformer"} {
		for _, w := range []way{
			{"float32", torch.Float32, false}, // against itself: what noise does
			{"float32-channels-last", torch.Float32, true},
			{"bfloat16", torch.BFloat16, false},
			{"bfloat16-channels-last", torch.BFloat16, true},
		} {
			b.Run(name+"/"+w.name, func(b *testing.B) { compareWays(b, name, w) })
		}
	}
}

func compareWays(b *testing.B, name string, w way) {
	const threads = 2
	err := torch.Session{Threads: threads}.Run(func(sc *torch.Scope) error {
		control, err := newArm(sc, name, way{dtype: torch.Float32})
		if err != nil {
			return err
		}
		defer control.model.Params.Free()
		variant, err := newArm(sc, name, w)
		if err != nil {
			return err
		}
		defer variant.model.Params.Free()
		control.step(sc) // kernels are prepared, memory is fetched
		variant.step(sc)
		var wall, cpu, steps []float64
		for b.Loop() {
			before, after := control.step(sc), variant.step(sc)
			wall, cpu = append(wall, before.wall/after.wall), append(cpu, before.cpu/after.cpu)
			steps = append(steps, after.wall)
		}
		b.ReportMetric(median(wall), "times-as-fast")
		b.ReportMetric(median(cpu), "times-as-fast-cpu")
		b.ReportMetric(1e3*median(steps), "ms/step")
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// An arm is a network that trains on one batch.
type arm struct {
	way
	model  *model.Model
	adamw  *AdamW
	images *torch.Tensor
	labels *torch.Tensor
}

func newArm(sc *torch.Scope, name string, w way) (*arm, error) {
	const batch, bands = 32, 3
	m, err := model.New(name, bands)
	if err != nil {
		return nil, err
	}
	m.Params.ChannelsLast = w.channelsLast
	if err := m.Params.Load(sc, nn.Formula{Seed: 1}); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a := &arm{way: w, model: m, adamw: NewAdamW(sc, m.Params, DefaultDecay, DefaultClip)}
	a.images = sc.Randn(batch, bands, int64(m.Pixels), int64(m.Pixels))
	if w.channelsLast {
		a.images = sc.ChannelsLast(a.images)
	}
	a.labels = sc.FromFloat32(alternating(batch), batch)
	return a, nil
}

// A duration is in seconds.
type duration struct {
	wall float64
	cpu  float64 // of all threads, which other programs disturb less
}

// step makes a step and returns the time that it took.
func (a *arm) step(sc *torch.Scope) duration {
	begin, used := time.Now(), processorTime()
	sc.Scoped(func(sc *torch.Scope) {
		var loss *torch.Tensor
		sc.Autocast(a.dtype, func() {
			loss = sc.BCEWithLogits(a.model.ForwardMode(sc, a.images, nn.Training), a.labels)
		})
		a.adamw.Step(sc, loss, DefaultRate)
	})
	return duration{time.Since(begin).Seconds(), processorTime() - used}
}

// processorTime returns the seconds that the process has used so far.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
