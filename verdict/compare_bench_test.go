package verdict

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkCompare50 makes all statements on 50 metrics of 1,000 pairs in 25
// restarts each. The bar is 2 s on one core.
func BenchmarkCompare50(b *testing.B) {
	const metrics, restarts, blocks = 50, 25, 40
	rng := rand.New(rand.NewPCG(9, 9))
	var data []clusters
	for range metrics {
		data = append(data, newClusters(noise(rng, restarts, blocks, 0.01, 0.005, 0.3)))
	}
	o, err := Options{}.withDefaults()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, c := range data {
			o.state(c)
		}
	}
}
