package worker

import "testing"

// BenchmarkWatch is what a monitor adds to a step: the look at its end. Counting costs
// more, and in every operator; package footprint measures that.
func BenchmarkWatch(b *testing.B) {
	for _, c := range []struct {
		name string
		w    watch
	}{{"off", watch{}}, {monitorRSS, watch{monitor: monitorRSS}}, {monitorAllocator, watch{monitor: monitorAllocator, counts: true}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.w.step(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
