package evaluation

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lensbench/system/metric"
)

// New evaluates classifiers.
func New(in Input) (*Document, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	d := &Document{Schema: Schema, Network: in.Network, Data: in.Data, Bootstrap: in.Bootstrap, Confidence: metric.Confidence, Notes: in.Notes}
	if d.Bootstrap.Replicates == 0 {
		d.Bootstrap.Replicates = metric.DefaultReplicates
	}
	d.Data.Images, d.Data.Lenses = len(in.Test), lenses(in.Test)
	if in.Validation != nil {
		d.Data.Validation = &Part{in.Split, len(in.Validation), lenses(in.Validation)}
	}
	for _, c := range in.Classifiers {
		r, err := in.result(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		d.Classifiers = append(d.Classifiers, r)
	}
	var err error
	d.Mistakes, err = in.mistakes()
	return d, err
}

func lenses(images []Image) (n int) {
	for _, m := range images {
		n += m.Label
	}
	return n
}

// result evaluates one classifier.
func (in *Input) result(c Classifier) (Result, error) {
	test, err := c.Scale.sample(c.Test, labels(in.Test))
	if err != nil {
		return Result{}, err
	}
	chosen := test
	if in.Validation != nil {
		if chosen, err = c.Scale.sample(c.Validation, labels(in.Validation)); err != nil {
			return Result{}, err
		}
	}
	r := Result{Name: c.Name, Scores: c.Scale}
	half := c.Scale.half()
	statistics := []metric.Statistic{
		{Of: (*metric.Sample).AUROC},
		{Of: (*metric.Sample).AUPRC},
		{Of: func(s *metric.Sample) float64 { return s.At(half).Accuracy() }},
		{Of: func(s *metric.Sample) float64 { return s.At(half).Precision() }},
		{Of: func(s *metric.Sample) float64 { return s.At(half).Recall() }},
		{Of: (*metric.Sample).Brier},
		{Of: (*metric.Sample).NLL},
		{Of: (*metric.Sample).ECE, Biased: true},
		{Of: (*metric.Sample).MCE, Biased: true},
	}
	for _, rate := range Rates {
		threshold := chosen.ThresholdAtFPR(rate)
		r.Points = append(r.Points, Point{Rate: rate, Threshold: threshold})
		statistics = append(statistics,
			metric.Statistic{Of: func(s *metric.Sample) float64 { return s.At(threshold).Recall() }},
			metric.Statistic{Of: func(s *metric.Sample) float64 { return s.TPRAtFPR(rate) }})
	}
	estimates := in.Bootstrap.Estimates(test, statistics...)
	for k, e := range []*metric.Estimate{&r.AUROC, &r.AUPRC, &r.Accuracy, &r.Precision, &r.Recall, &r.Brier, &r.NLL, &r.ECE, &r.MCE} {
		*e = estimates[k]
	}
	at := test.At(half)
	bounded(&r.Precision, at.TruePositives, at.TruePositives+at.FalsePositives)
	bounded(&r.Recall, at.TruePositives, at.Lenses())
	bounded(&r.Accuracy, at.TruePositives+at.TrueNegatives, at.Lenses()+at.Others())
	estimates = estimates[9:]
	for k := range r.Points {
		r.Points[k].TPR, r.Points[k].Own = estimates[2*k], estimates[2*k+1]
		in.apply(&r.Points[k], c, test)
	}
	r.Calibrated = in.Bootstrap.Calibrated(test, (*metric.Sample).ECE)
	r.Curve = thin(test.Curve())
	r.Reliability = bins(test)
	r.Histogram = histogram(c, in.Test)
	r.Kinds = kinds(c, in.Test)
	return r, nil
}

// bounded gives a share of 0 or 1, of which all replicates are the same, the
// bounds that so many images allow.
func bounded(e *metric.Estimate, k, n int64) {
	if e.Low == e.High {
		*e = metric.Binomial(k, n)
	}
}

// apply fills in what a threshold does on the test images.
func (in *Input) apply(p *Point, c Classifier, test *metric.Sample) {
	p.Counts = test.At(p.Threshold)
	bounded(&p.TPR, p.Counts.TruePositives, p.Counts.Lenses())
	p.FPR = metric.Binomial(p.Counts.FalsePositives, p.Counts.Others())
	for _, prevalence := range Prevalences {
		p.Purity = append(p.Purity, Purity{prevalence, p.Counts.Purity(prevalence)})
	}
	p.ThetaE = in.byProperty(c, p.Threshold, func(m Image) float64 { return m.ThetaE }, evenEdges)
	p.FluxRatio = in.byProperty(c, p.Threshold, func(m Image) float64 { return m.FluxRatio }, doublingEdges)
	p.Kinds = in.byKind(c, p.Threshold)
}

// byProperty is completeness by a property of lenses; nil if it is not known of
// any.
func (in *Input) byProperty(c Classifier, threshold float64, property func(Image) float64, edges func(low, high float64) []float64) []metric.Range {
	var values []float64
	var passed []bool
	for i, m := range in.Test {
		if v := property(m); m.Label == 1 && v > 0 {
			values = append(values, v)
			passed = append(passed, c.Test[i] >= threshold)
		}
	}
	if values == nil {
		return nil
	}
	return metric.ByRange(values, passed, edges(slices.Min(values), slices.Max(values)))
}

// byKind is the false-positive rate of each kind that is no lens, by name.
func (in *Input) byKind(c Classifier, threshold float64) []Passed {
	count := map[string]*Passed{}
	for i, m := range in.Test {
		if m.Label == 1 || m.Kind == "" {
			continue
		}
		p := count[m.Kind]
		if p == nil {
			p = &Passed{Kind: m.Kind}
			count[m.Kind] = p
		}
		p.Images++
		if c.Test[i] >= threshold {
			p.Passed++
		}
	}
	var out []Passed
	for _, p := range count {
		p.Share = metric.Binomial(p.Passed, p.Images)
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Passed) int { return cmp.Compare(a.Kind, b.Kind) })
	return out
}

// mistakes of the first classifier, of each label as many as are to be shown.
func (in *Input) mistakes() ([]Mistake, error) {
	c, most := in.Classifiers[0], in.Mistakes
	if most == 0 {
		most = DefaultMistakes
	}
	var all []Mistake
	for i, m := range in.Test {
		if (c.Test[i] >= c.Scale.half()) != (m.Label == 1) {
			all = append(all, Mistake{Image: m, Index: i, Probability: c.Scale.probability(c.Test[i])})
		}
	}
	// By score, for certain mistakes have the same probability, but for rounding.
	slices.SortStableFunc(all, func(a, b Mistake) int {
		return cmp.Compare(math.Abs(c.Test[b.Index]-c.Scale.half()), math.Abs(c.Test[a.Index]-c.Scale.half()))
	})
	shown, count := []Mistake{}, [2]int{}
	for _, m := range all {
		if count[m.Label]++; count[m.Label] > most {
			continue
		}
		if in.Picture != nil {
			var err error
			if m.Picture, err = in.Picture(m.Index); err != nil {
				return nil, err
			}
		}
		shown = append(shown, m)
	}
	return shown, nil
}
