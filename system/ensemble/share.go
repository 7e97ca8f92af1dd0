package ensemble

import "math"

// share divides threads between members that run at once, in proportion to
// their costs and at least one each.
//
// With enough threads the shares add up to them. With fewer threads than
// members they cannot; then each share is the member's proportion, rounded, so
// that the member that decides how long all take is not held back by those that
// end early. The default members on two cores get 1, 2 and 1 (vit_b_16 is 97 %
// of the work); with one thread each, all three took 1.7 times as long.
func share(threads int, costs []float64) []int {
	total := 0.
	for _, c := range costs {
		total += c
	}
	shares := make([]int, len(costs))
	for i, c := range costs {
		shares[i] = max(1, int(math.Round(float64(threads)*c/total)))
	}
	for sum(shares) > threads && threads >= len(costs) {
		shares[leastLoaded(shares, costs)]--
	}
	for sum(shares) < threads {
		shares[mostLoaded(shares, costs)]++
	}
	return shares
}

// leastLoaded returns the member with more than one thread that suffers least
// from losing one.
func leastLoaded(shares []int, costs []float64) int {
	best := -1
	for i, n := range shares {
		if n > 1 && (best < 0 || costs[i]/float64(n-1) < costs[best]/float64(shares[best]-1)) {
			best = i
		}
	}
	return best
}

// mostLoaded returns the member with the most cost per thread.
func mostLoaded(shares []int, costs []float64) int {
	best := 0
	for i, n := range shares {
		if costs[i]/float64(n) > costs[best]/float64(shares[best]) {
			best = i
		}
	}
	return best
}

func sum(v []int) int {
	n := 0
	for _, x := range v {
		n += x
	}
	return n
}
