package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"lensbench/nearest"
	"lensbench/record"
)

// verdictRestarts is the number of restarts below which there is no verdict.
const verdictRestarts = 8

// claimParts are the keys that belong to a claim, with the reason why it needs
// them. A claim without expect is one that outputs are the control's, which its
// check decides.
var claimParts = []struct{ key, why string }{
	{"decides", "the variant and cell that decide it, named before anything is run"},
	{"check", "the outputs that must be equal, since a faster arm with other outputs supports nothing"},
	{"expect", ""},
}

// checkClaim finds a claim without what decides it, and the parts of a claim
// without one. A check may stand alone.
func (d *decoder) checkClaim(doc *document) {
	claim, claimed := d.section("claim")
	for _, part := range claimParts {
		p, present := d.section(part.key)
		switch {
		case claimed && !present && part.why != "":
			at := d.place(claim.key)
			at.Wrong, at.Want = "a claim without "+part.key, part.key+", "+part.why
			d.problems = append(d.problems, at)
		case !claimed && present && part.key != "check":
			d.report(p.key, "there is no claim to decide", "claim: {id: …, says: …}", "")
		}
	}
	_, numbers := d.section("expect")
	if p, ok := d.at["plan.restarts"]; ok && claimed && numbers && *doc.Plan.Restarts < verdictRestarts {
		d.report(p.value, "too few restarts to decide a claim in numbers", fmt.Sprintf("at least %d", verdictRestarts), "")
	}
}

// checkDecides finds references to variants, axes and values that are not
// there, and a choice that leaves more than one cell.
func (d *decoder) checkDecides(doc *document) {
	v := doc.Decides
	if v.node != nil && (v.variant == controlName || !d.written("variants", v.variant)) {
		d.unknown(v.node, "not a variant of this scenario", doc.Variants.names())
	}
	for _, c := range v.cell {
		d.checkChoice(doc, c)
	}
	p, _ := d.section("decides")
	for _, a := range doc.Matrix {
		if v.node != nil && len(a.values) > 1 && !has(children(p), a.field.Key) {
			d.missing(p, a.field.Key, "decides", "the value whose cell decides: "+oneOf(a.texts()))
		}
	}
}

func (d *decoder) checkChoice(doc *document, c choice) {
	names := []string{"variant"}
	for _, a := range doc.Matrix {
		names = append(names, a.field.Key)
		if a.field.Key == c.axis && !slices.Contains(a.texts(), c.text) {
			d.report(c.value, "not a value of "+c.axis+" in the matrix", oneOf(a.texts()), nearest.Name(c.text, a.texts()))
		}
	}
	if !d.written("matrix", c.axis) {
		d.unknown(c.key, "not an axis of the matrix", names)
	}
}

// metricOf translates the words of measure into metrics.
var metricOf = map[string]string{
	"throughput": record.Throughput,
	"efficiency": record.Efficiency,
	"latency":    record.Latency,
	"memory":     record.MemoryPeak,

	"activations": record.ActivationPeak,
	"energy":      record.Energy,
}

// metrics are what is measured, as record names them.
func (doc *document) metrics() []string {
	if len(doc.Measure) == 0 {
		return []string{record.Throughput, record.Latency}
	}
	out := make([]string, len(doc.Measure))
	for i, word := range doc.Measure {
		out[i] = metricOf[word]
	}
	return out
}

// checkExpect finds bounds on what is not measured, bounds on the wrong side
// and bounds given twice.
func (d *decoder) checkExpect(doc *document) {
	first := make(map[string]bool)
	for i, e := range doc.Expect {
		metric, ok := d.at[fmt.Sprintf("expect.%d.metric", i)]
		if !ok {
			continue
		}
		switch {
		case first[e.Metric]:
			d.report(metric.value, "expected a second time", "one bound per metric", "")
		case d.understood("measure") && !slices.Contains(doc.metrics(), e.Metric):
			d.report(metric.value, "not measured", "it in measure, or one of "+strings.Join(doc.metrics(), ", "), "")
		}
		first[e.Metric] = true
		if ratio, ok := d.at[fmt.Sprintf("expect.%d.ratio", i)]; ok && e.Ratio.Op != good(e.Metric) {
			d.report(ratio.value, "bounds "+e.Metric+" on its bad side", fmt.Sprintf("%q, the nearer end of the claimed range", good(e.Metric)+" R"), "")
		}
	}
}

// good is the side of a bound on which a metric is better.
func good(metric string) string {
	if metric == record.Throughput || metric == record.Efficiency {
		return ">="
	}
	return "<="
}
