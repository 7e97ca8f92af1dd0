package evaluation

import (
	"fmt"

	"lensbench/system/metric"
)

// A row is a metric with what all classifiers have of it.
type row struct {
	Name, Note string
	Values     []figure
}

// rows of the table of metrics.
func (d *Document) rows() []row {
	list := []struct {
		name, note string
		of         func(Result) metric.Estimate
	}{
		{"AUROC", "a lens scores higher than another image", func(r Result) metric.Estimate { return r.AUROC }},
		{"AUPRC", "average precision, at the prevalence of these images", func(r Result) metric.Estimate { return r.AUPRC }},
		{"accuracy", "at probability ½", func(r Result) metric.Estimate { return r.Accuracy }},
		{"precision", "at probability ½, at the prevalence of these images", func(r Result) metric.Estimate { return r.Precision }},
		{"recall", "at probability ½", func(r Result) metric.Estimate { return r.Recall }},
		{"Brier", "mean squared error of the probability", func(r Result) metric.Estimate { return r.Brier }},
		{"NLL", "nats per image", func(r Result) metric.Estimate { return r.NLL }},
		{"ECE", "mean calibration error over bins", func(r Result) metric.Estimate { return r.ECE }},
		{"  if calibrated", "the ECE that chance alone would give to so many images", func(r Result) metric.Estimate { return r.Calibrated }},
		{"MCE", "largest calibration error of a bin", func(r Result) metric.Estimate { return r.MCE }},
	}
	var out []row
	for _, m := range list {
		r := row{Name: m.name, Note: m.note}
		for _, c := range d.Classifiers {
			r.Values = append(r.Values, plain(m.of(c)))
		}
		out = append(out, r)
	}
	return out
}

// title says what was evaluated.
func (d *Document) title() string {
	if d.Network == nil {
		return "Evaluation of " + d.Data.Path
	}
	return fmt.Sprintf("Evaluation of %s (%s)", d.Network.Name, d.Network.Model)
}

// sentences say on what, and how.
func (d *Document) sentences() []string {
	var out []string
	if n := d.Network; n != nil {
		out = append(out, fmt.Sprintf("%s: weights %.12s, %s of %d×%d pixels, logits divided by a temperature of %s.",
			n.Name, n.SHA256, counted(n.Bands, "band", "bands"), n.Pixels, n.Pixels, bound(n.Temperature)))
	}
	where := d.Data.Path
	if d.Data.Split != "" {
		where += fmt.Sprintf(", split %q", d.Data.Split)
	}
	out = append(out, fmt.Sprintf("Tested on %s: %s, %s.", where, counted(d.Data.Images, "image", "images"), counted(d.Data.Lenses, "lens", "lenses")))
	out = append(out, d.thresholds())
	return append(append(out, d.Notes...), fmt.Sprintf("[a, b] holds the true value with %.0f %% confidence (%s bootstrap replicates, seed %d).",
		100*d.Confidence, grouped(int64(d.Bootstrap.Replicates)), d.Bootstrap.Seed))
}

// thresholds says what they were chosen on.
func (d *Document) thresholds() string {
	v := d.Data.Validation
	if v == nil {
		return "Thresholds were chosen on the same images, for want of others: what they do here flatters."
	}
	return fmt.Sprintf("Thresholds were chosen on split %q: %s, %s.", v.Split, counted(v.Images, "image", "images"), counted(v.Lenses, "lens", "lenses"))
}

// aboutPoints explains the table of thresholds.
func (d *Document) aboutPoints() string {
	return fmt.Sprintf("TPR is completeness. Own TPR is what a threshold chosen on the test images themselves would have. "+
		"Purity is the share of lenses in what passes where one image in so many is a lens; > x: no false positive in %s, so no more is known.",
		grouped(int64(d.Data.Images-d.Data.Lenses)))
}
