package metric

import "math"

// Bins is the number of bins of ECE, MCE and Reliability.
const Bins = 15

// maxLoss is what a certain mistake costs: −ln 2⁻⁵².
const maxLoss = 52 * math.Ln2

// A calibre is what is known of probabilities, in the order of a sample.
type calibre struct {
	p    []float64
	loss []float64 // −ln of the probability of the true label
	bin  []uint8
}

func newCalibre(p []float64, lens []bool, loss func(p float64, lens bool) float64) *calibre {
	c := &calibre{p: p, loss: make([]float64, len(p)), bin: make([]uint8, len(p))}
	for i, v := range p {
		c.loss[i], c.bin[i] = loss(v, lens[i]), uint8(binOf(v))
	}
	return c
}

func probabilityLoss(p float64, lens bool) float64 {
	if lens {
		return min(-math.Log(p), maxLoss)
	}
	return min(-math.Log1p(-p), maxLoss)
}

// logitLoss is ln(1 + e^−z) for a lens, ln(1 + e^z) otherwise.
func logitLoss(z float64, lens bool) float64 {
	if lens {
		z = -z
	}
	return min(max(z, 0)+math.Log1p(math.Exp(-math.Abs(z))), maxLoss)
}

// binOf returns k with k/Bins < p ≤ (k+1)/Bins, and 0 for p = 0.
func binOf(p float64) int {
	k := min(int(p*Bins), Bins-1)
	// The product is rounded, and what lies on an edge belongs below it.
	for k > 0 && p <= float64(k)/Bins {
		k--
	}
	for k < Bins-1 && p > float64(k+1)/Bins {
		k++
	}
	return k
}

// Brier returns the mean squared difference between probability and label.
func (s *Sample) Brier() float64 {
	return s.mean(func(i int) float64 {
		d := s.calibre.p[i]
		if s.lens[i] {
			d = 1 - d
		}
		return d * d
	})
}

// NLL returns the mean negative log-likelihood of the labels, in nats.
func (s *Sample) NLL() float64 { return s.mean(func(i int) float64 { return s.calibre.loss[i] }) }

// mean is over all images; NaN without probabilities.
func (s *Sample) mean(of func(i int) float64) float64 {
	if s.calibre == nil {
		return math.NaN()
	}
	sum := 0.0
	for i, w := range s.weights {
		if w > 0 {
			sum += float64(w) * of(i)
		}
	}
	return sum / float64(s.lenses+s.others)
}

// A Bin is the images whose probability lies in (Low, High]; p = 0 is in the first.
type Bin struct {
	Low, High   float64
	Images      int64
	Lenses      int64
	Probability float64 // mean of the images; NaN if there are none
}

// Share returns the share of lenses.
func (b Bin) Share() float64 { return share(b.Lenses, b.Images) }

// gap is how far probabilities are from the truth; 0 of nothing.
func (b Bin) gap() float64 {
	if b.Images == 0 {
		return 0
	}
	return math.Abs(b.Share() - b.Probability)
}

// Reliability returns Bins bins of equal width, nil without probabilities.
func (s *Sample) Reliability() []Bin {
	if s.calibre == nil {
		return nil
	}
	bins := s.binned()
	return bins[:]
}

func (s *Sample) binned() (bins [Bins]Bin) {
	for i, w := range s.weights {
		b := &bins[s.calibre.bin[i]]
		b.Images += int64(w)
		b.Probability += float64(w) * s.calibre.p[i]
		if s.lens[i] {
			b.Lenses += int64(w)
		}
	}
	for k := range bins {
		bins[k].Low, bins[k].High = float64(k)/Bins, float64(k+1)/Bins
		bins[k].Probability /= float64(bins[k].Images)
	}
	return bins
}

// ECE returns the expected calibration error: the mean over all images of the
// difference between mean probability and share of lenses in an image's bin.
func (s *Sample) ECE() float64 {
	if s.calibre == nil || s.lenses+s.others == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, b := range s.binned() {
		sum += float64(b.Images) * b.gap()
	}
	return sum / float64(s.lenses+s.others)
}

// MCE returns the maximum calibration error: the largest of these differences.
func (s *Sample) MCE() float64 {
	if s.calibre == nil || s.lenses+s.others == 0 {
		return math.NaN()
	}
	worst := 0.0
	for _, b := range s.binned() {
		worst = max(worst, b.gap())
	}
	return worst
}
