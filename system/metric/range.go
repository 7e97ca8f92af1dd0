package metric

import "sort"

// A Range is the images for which a property, such as the Einstein radius of a
// lens, lies in [Low, High), and how many of them pass a threshold.
type Range struct {
	Low    float64  `json:"low"`
	High   float64  `json:"high"`
	Images int64    `json:"images"`
	Passed int64    `json:"passed"`
	Share  Estimate `json:"share"` // Wilson's interval
}

// ByRange returns, for each pair of neighbouring edges, which rise, the share of
// images with a property there that pass: completeness, if all are lenses. The last
// range has its upper edge too. Images outside of all edges do not count.
func ByRange(property []float64, passed []bool, edges []float64) []Range {
	if len(edges) < 2 {
		return nil
	}
	out := make([]Range, len(edges)-1)
	for k := range out {
		out[k].Low, out[k].High = edges[k], edges[k+1]
	}
	for i, v := range property {
		k := sort.Search(len(edges), func(k int) bool { return edges[k] > v }) - 1
		if v == edges[len(edges)-1] {
			k = len(out) - 1
		}
		if k < 0 || k >= len(out) {
			continue
		}
		out[k].Images++
		if passed[i] {
			out[k].Passed++
		}
	}
	for k := range out {
		out[k].Share = Wilson(out[k].Passed, out[k].Images)
	}
	return out
}
