package scenarios

import (
	"fmt"
	"slices"

	"lensbench/record"
)

// checkSingles finds arms of several ranks whose efficiency is to be measured and
// that do not say to which arm it relates, and those that name one that cannot be
// it.
func (d *decoder) checkSingles(doc *document) {
	if !d.understood("control") || !d.understood("variants") || !d.understood("measure") {
		return
	}
	wanted := slices.Contains(doc.metrics(), record.Efficiency)
	if p, ok := d.at["plan.looks"]; ok && wanted {
		d.report(p.key, "efficiency takes two arms, of which a look could end one", "restarts in place of looks, or no efficiency in measure", "")
	}
	several := false
	for _, v := range doc.arms() {
		several = several || doc.ranks(v) > 1
		d.checkSingle(doc, v, wanted)
	}
	if p, ok := d.at["measure"]; ok && wanted && !several {
		d.report(p.key, "no arm has several ranks, of which there could be an efficiency", "an arm with ranks: 2 or more, or no efficiency", "")
	}
}

func (d *decoder) checkSingle(doc *document, v variant, wanted bool) {
	p, section := d.at[armPath(v)+".single"], d.at[armPath(v)]
	ranks := doc.ranks(v)
	i := slices.IndexFunc(doc.arms(), func(o variant) bool { return o.Name == v.Single })
	switch {
	case v.Single == "" && wanted && ranks > 1 && section.key != nil:
		d.report(section.key, fmt.Sprintf("%s has %d ranks, and no arm to which their efficiency relates", v.Name, ranks), "single: and the arm that does the same with one rank", "")
	case v.Single == "" || p.value == nil:
	case !wanted:
		d.report(p.key, "efficiency is not measured", "efficiency in measure, or no single", "")
	case i < 0:
		d.unknown(p.value, "not an arm of this scenario", append([]string{controlName}, doc.Variants.names()...))
	case ranks < 2:
		d.report(p.key, v.Name+" has one rank, whose efficiency is 1", "no single, or ranks: 2 or more", "")
	case doc.ranks(doc.arms()[i]) > 1:
		d.report(p.value, fmt.Sprintf("%s has %d ranks itself", v.Single, doc.ranks(doc.arms()[i])), "an arm of one rank", "")
	case doc.arms()[i].worker() != v.worker():
		d.report(p.value, fmt.Sprintf("%s runs on %s, %s on %s", v.Single, doc.arms()[i].worker(), v.Name, v.worker()), "an arm of the same worker", "")
	}
}

// ranks of an arm outside the matrix, at least 1.
func (doc *document) ranks(v variant) int { return max(1, doc.resolve(v.arm).Ranks) }

// armPath is where the decoder keeps an arm.
func armPath(v variant) string {
	if v.Name == controlName {
		return controlName
	}
	return "variants." + v.Name
}
