package verdict

import "testing"

// BenchmarkStatistics50 makes all statements on 50 metrics of 1,000 pairs in 25
// restarts each, and tests them together with 10,000 flips. The bar is 2 s on
// one core.
func BenchmarkStatistics50(b *testing.B) {
	data := data50()
	for b.Loop() {
		if _, _, err := everything50(data); err != nil {
			b.Fatal(err)
		}
	}
}
