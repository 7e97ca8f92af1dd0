package evaluation

import (
	"cmp"
	"math"
	"slices"

	"lensbench/system/metric"
)

// resolution is what a figure shows of a curve, as a share of its side.
const resolution = 1. / 400

// thin leaves out points that could not be told from the one before, on axes of
// FPR, TPR and precision, and on a logarithmic axis of FPR.
func thin(points []metric.Point) []Corner {
	var out []Corner
	var last metric.Counts
	for i, p := range points {
		c := p.Counts
		if i > 0 && i < len(points)-1 && close(c, last) {
			continue
		}
		last = c
		corner := Corner{FPR: c.FPR(), TPR: c.Recall()}
		if v := c.Precision(); !math.IsNaN(v) {
			corner.Precision = &v
		}
		out = append(out, corner)
	}
	return out
}

func close(a, b metric.Counts) bool {
	ratio := func(x, y int64) float64 { return math.Abs(math.Log(float64(x) / float64(y))) }
	return math.Abs(a.Recall()-b.Recall()) < resolution &&
		math.Abs(a.FPR()-b.FPR()) < resolution &&
		math.Abs(a.Precision()-b.Precision()) < resolution && // not if one is NaN
		(a.FalsePositives == b.FalsePositives || ratio(a.FalsePositives, b.FalsePositives) < 0.02)
}

func bins(s *metric.Sample) []Bin {
	var out []Bin
	for _, b := range s.Reliability() {
		none := math.NaN()
		out = append(out, Bin{b.Low, b.High, b.Images, b.Lenses, metric.Estimate{Value: b.Probability, Low: none, High: none},
			metric.Wilson(b.Lenses, b.Images)})
	}
	return out
}

// histogramBins is how many bins a histogram has.
const histogramBins = 40

// histogram counts scores between the 0.1 % and 99.9 % quantiles, so that one
// extreme score does not put all others into one bin.
func histogram(c Classifier, images []Image) Histogram {
	low, high := 0., 1.
	if c.Scale == Logits {
		sorted := slices.Sorted(slices.Values(c.Test))
		low, high = quantile(sorted, 0.001), quantile(sorted, 0.999)
		if low == high {
			low, high = low-1, high+1
		}
	}
	h := Histogram{Lenses: make([]int64, histogramBins), Others: make([]int64, histogramBins)}
	for k := range histogramBins + 1 {
		h.Edges = append(h.Edges, low+(high-low)*float64(k)/histogramBins)
	}
	for i, m := range images {
		k := int((c.Test[i] - low) / (high - low) * histogramBins)
		k = min(max(k, 0), histogramBins-1)
		if m.Label == 1 {
			h.Lenses[k]++
		} else {
			h.Others[k]++
		}
	}
	return h
}

// kinds are the distributions of scores, lenses last; nil if no kind is known.
func kinds(c Classifier, images []Image) []Kind {
	type key struct {
		label int
		kind  string
	}
	scores, known := map[key][]float64{}, false
	for i, m := range images {
		k := key{m.Label, m.Kind}
		scores[k] = append(scores[k], c.Test[i])
		known = known || m.Label == 0 && m.Kind != ""
	}
	if !known {
		return nil
	}
	var out []Kind
	for k, v := range scores {
		slices.Sort(v)
		kind := Kind{Kind: k.kind, Label: k.label, Images: len(v)}
		if k.kind == "" {
			kind.Kind = []string{"other", "lens"}[k.label]
		}
		for q, p := range []float64{0.05, 0.25, 0.5, 0.75, 0.95} {
			kind.Quantiles[q] = quantile(v, p)
		}
		out = append(out, kind)
	}
	slices.SortFunc(out, func(a, b Kind) int {
		if a.Label != b.Label {
			return a.Label - b.Label
		}
		return cmp.Compare(a.Kind, b.Kind)
	})
	return out
}

// quantile interpolates between the two values around p.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	k := min(int(at), len(sorted)-1)
	next := min(k+1, len(sorted)-1)
	f := at - float64(k)
	return sorted[k]*(1-f) + sorted[next]*f
}

// evenEdges are multiples of a round step, 5 to 12 ranges that cover low to high.
func evenEdges(low, high float64) []float64 {
	if high <= low {
		high = low * 1.01
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, m := range []float64{5, 2.5, 2} {
		if (high-low)/(m*step) >= 5 {
			step *= m
			break
		}
	}
	var edges []float64
	for k := math.Floor(low / step); ; k++ {
		edges = append(edges, roundTo(k*step, step))
		if k*step >= high {
			return edges
		}
	}
}

// roundTo takes the last bits of a multiple of a decimal step away.
func roundTo(v, step float64) float64 {
	scale := math.Round(100 / math.Pow(10, math.Floor(math.Log10(step))))
	if scale < 1 {
		return v
	}
	return math.Round(v*scale) / scale
}

// doublingEdges are powers of 2 that cover low to high.
func doublingEdges(low, high float64) []float64 {
	var edges []float64
	for k := math.Floor(math.Log2(low)); ; k++ {
		edges = append(edges, math.Exp2(k))
		if len(edges) > 1 && math.Exp2(k) >= high {
			return edges
		}
	}
}
