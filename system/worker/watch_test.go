package worker

import (
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// BenchmarkWatch is what a monitor adds to a step: the look at its end. Counting costs
// more, and in every operator; package footprint measures that.
func BenchmarkWatch(b *testing.B) {
	for _, c := range []struct {
		name string
		w    watch
	}{{"off", watch{}}, {monitorRSS, watch{monitor: monitorRSS}}, {monitorAllocator, watch{monitor: monitorAllocator, counts: true}}} {
		b.Run(c.name, func(b *testing.B) {
			torchtest.Run(b, func(sc *torch.Scope) {
				for b.Loop() {
					if _, err := c.w.step(sc); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
