package scenarios

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"lensbench/protocol"
)

// cellLimit bounds the cells of one scenario; more is a slip of the hand.
const cellLimit = 1000

// check finds what a single value cannot show: names that do not match,
// settings of another kind of work, arms that do not differ, a claim that
// nothing decides. Each check leaves alone what was not understood, so that no
// mistake is reported twice.
func (d *decoder) check(doc *document) {
	d.checkName(doc)
	d.checkKind(doc)
	d.checkMatrix(doc)
	d.checkArms(doc)
	d.checkSingles(doc)
	d.checkClaim(doc)
	d.checkDecides(doc)
	d.checkExpect(doc)
	d.checkPlan(doc)
}

// section returns a top-level key with its value, whatever that holds.
func (d *decoder) section(key string) (pair, bool) {
	for _, p := range children(pair{value: d.root}) {
		if p.key.Value == key {
			return p, true
		}
	}
	return pair{}, false
}

// children are the keys and values of a mapping; none of another value.
func children(p pair) []pair {
	var out []pair
	if p.value != nil && p.value.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(p.value.Content); i += 2 {
			out = append(out, pair{p.value.Content[i], p.value.Content[i+1]})
		}
	}
	return out
}

func has(pairs []pair, key string) bool {
	return slices.ContainsFunc(pairs, func(p pair) bool { return p.key.Value == key })
}

// written says whether a top-level mapping has a key, understood or not.
func (d *decoder) written(section, key string) bool {
	p, _ := d.section(section)
	return has(children(p), key)
}

// understood says whether a top-level key is absent or was read without a
// problem.
func (d *decoder) understood(key string) bool {
	_, present := d.section(key)
	_, ok := d.at[key]
	return ok || !present
}

func (d *decoder) checkName(doc *document) {
	base := filepath.Base(d.file)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	if p, ok := d.at["name"]; ok && base != string(doc.Name) {
		d.report(p.value, "not the name of the file, "+filepath.Base(d.file), "one name for both, so that a scenario is found by it", base)
	}
}

// checkKind finds settings that the workload's kind does not have, and those
// that it cannot do without.
func (d *decoder) checkKind(doc *document) {
	workload, ok := d.section("workload")
	if !ok || workload.value.Kind != yaml.MappingNode {
		return
	}
	if !has(children(workload), kindKey) {
		f, _ := protocol.FieldByKey(kindKey)
		d.missing(workload, kindKey, "workload", oneOf(f.Enum))
		return
	}
	setting, ok := doc.Workload.get(kindKey)
	if !ok {
		return
	}
	kind := setting.value.(string)
	for _, s := range doc.everySetting() {
		if !belongs(s.field, kind) {
			d.report(s.key, kind+" work has no such setting", oneOf(keysOfKind(kind)), "")
		}
	}
	for _, f := range protocol.Fields() {
		if slices.Contains(f.Needed, kind) && !d.written("workload", f.Key) && !d.written("matrix", f.Key) {
			d.missing(workload, f.Key, "workload", f.Doc+": "+wantValue(f))
		}
	}
	d.checkOutputs(kind)
	d.checkTrained()
}

// checkTrained finds scores of networks that nobody has trained, whose decisions mean
// nothing.
func (d *decoder) checkTrained() {
	p, ok := d.at["check"]
	if !ok || d.written("workload", trainedKey) || d.written("matrix", trainedKey) {
		return
	}
	for _, c := range children(p) {
		if c.key.Value == protocol.CheckScores {
			d.report(c.key, "scores of networks that are not trained", "trained in workload, such as "+trainedKey+": [default]", "")
		}
	}
}

// checkOutputs finds a check of outputs that work of this kind does not have,
// and one of several outputs: the outputs of a process are compared once.
func (d *decoder) checkOutputs(kind string) {
	p, ok := d.at["check"]
	if !ok {
		return
	}
	own := outputs[kind]
	if own == nil {
		d.report(p.key, kind+" work has no outputs to check", "no check", "")
		return
	}
	first := ""
	for _, c := range children(p) {
		switch {
		case !slices.Contains(own, c.key.Value):
			d.report(c.key, kind+" work has no such outputs", oneOf(own), "")
		case first != "":
			d.report(c.key, "a second output to check; the first is "+first, "one in a scenario", "")
		default:
			first = c.key.Value
		}
	}
	if len(children(p)) == 0 {
		d.report(p.key, "check has no outputs", oneOf(own)+", such as {"+own[0]+": 1e-5}", "")
	}
}

// everySetting lists all settings that the file sets or varies.
func (doc *document) everySetting() []setting {
	out := slices.Clone(doc.Workload)
	for _, a := range doc.Matrix {
		out = append(out, setting{pair: a.pair, field: a.field})
	}
	for _, arm := range doc.arms() {
		out = append(out, arm.Set...)
	}
	return out
}

// arms are the control and the variants, the control first.
func (doc *document) arms() []variant {
	return append([]variant{{Name: controlName, arm: doc.Control}}, doc.Variants...)
}

// checkMatrix finds axes that an arm would override, and too many cells.
func (d *decoder) checkMatrix(doc *document) {
	cells := 1
	for _, a := range doc.Matrix {
		cells = min(cells*len(a.values), cellLimit+1)
		for _, arm := range doc.arms() {
			if s, ok := arm.Set.get(a.field.Key); ok {
				d.report(s.key, fmt.Sprintf("the matrix varies %s in every arm (line %d)", a.field.Key, a.key.Line),
					"it in one of the two places", "")
			}
		}
	}
	if p, ok := d.section("matrix"); ok && cells > cellLimit {
		d.report(p.key, "too many combinations", fmt.Sprintf("at most %d cells", cellLimit), "")
	}
}

// checkArms finds arms that run exactly the same, which is a calibration if it
// is meant and otherwise a typing error that would measure nothing.
func (d *decoder) checkArms(doc *document) {
	if !d.understood("control") || !d.understood("same") {
		return
	}
	arms := doc.arms()
	for i, v := range arms[1:] {
		if _, ok := d.at["variants."+v.Name]; !ok {
			continue
		}
		twin := slices.IndexFunc(arms[:i+1], func(o variant) bool { return doc.equal(o.arm, v.arm) })
		switch {
		case twin >= 0 && !doc.Same:
			d.report(v.key, "runs exactly what "+arms[twin].Name+" runs",
				"a setting or worker that differs, or same: true to compare equal arms on purpose", "")
		case twin < 0 && doc.Same:
			d.report(v.key, "differs from "+controlName+", although same is true", "equal arms, or no same", "")
		}
	}
}

// checkPlan finds a time limit that an ordinary sample would meet, and looks
// that do not end where the restarts do.
func (d *decoder) checkPlan(doc *document) {
	plan := doc.Plan.resolve()
	if p, ok := d.at["plan.looks"]; ok && len(plan.Looks) > 0 && d.understood("plan") && plan.Looks[len(plan.Looks)-1] != plan.Restarts {
		d.report(p.key, fmt.Sprintf("the last look is after %d restarts, and there are %d", plan.Looks[len(plan.Looks)-1], plan.Restarts),
			fmt.Sprintf("%d as the last look, or no restarts", plan.Restarts), "")
	}
	if p, ok := d.section("plan"); ok && d.understood("plan") && plan.TimeLimit <= 2*plan.SampleSeconds {
		d.report(p.key, "time_limit is not above two samples", fmt.Sprintf("time_limit above %v for samples of %v",
			spell(2*plan.SampleSeconds), spell(plan.SampleSeconds)), "")
	}
}

func (doc *document) equal(a, b arm) bool {
	return a.worker() == b.worker() && reflect.DeepEqual(doc.resolve(a), doc.resolve(b))
}
