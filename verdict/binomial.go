package verdict

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"
)

// BinomialBounds is the exact interval of Clopper and Pearson (Biometrika 26,
// 1934) for the rate of an event that was seen k times in n independent trials.
func BinomialBounds(k, n int, confidence float64) (low, high float64, err error) {
	if n < 1 || k < 0 || k > n {
		return 0, 1, fmt.Errorf("%d of %d trials: want 0 to n of at least 1", k, n)
	}
	if !(confidence > 0 && confidence < 1) {
		return 0, 1, fmt.Errorf("confidence %v: want more than 0 and less than 1", confidence)
	}
	miss := (1 - confidence) / 2
	low, high = 0, 1
	if k > 0 {
		low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(miss)
	}
	if k < n {
		high = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - miss)
	}
	return low, high, nil
}
