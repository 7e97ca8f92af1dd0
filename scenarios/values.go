package scenarios

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"lensbench/nearest"
	"lensbench/protocol"
)

// A name is a short word that is safe in file names, tables and command lines.
type name string

const nameLimit = 40 // bytes

const wantName = "lower-case letters, digits and single hyphens, at most 40"

var goodName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (name) want(field) string { return wantName }

func (v *name) decode(d *decoder, p pair, f field) {
	if p.value.Kind != yaml.ScalarNode || p.value.Tag != textTag {
		d.kind(p, f.Key, wantName)
		return
	}
	if d.named(p.value, f.Key) {
		*v = name(p.value.Value)
	}
}

// named says whether a node's text is a name.
func (d *decoder) named(n *yaml.Node, what string) bool {
	if goodName.MatchString(n.Value) && len(n.Value) <= nameLimit {
		return true
	}
	d.report(n, "not a valid "+what, wantName, "")
	return false
}

// A duration is a time in seconds, written with a unit.
type duration float64

var durationText = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`)

func (duration) want(f field) string {
	return fmt.Sprintf("a duration from %s to %s, such as 20ms, 1.5s or 2m", spell(f.Min), spell(f.Max))
}

func (v *duration) decode(d *decoder, p pair, f field) {
	if p.value.Kind != yaml.ScalarNode || p.value.Tag == nullTag {
		d.kind(p, f.Key, v.want(f))
		return
	}
	t, err := time.ParseDuration(p.value.Value)
	switch written := durationText.MatchString(p.value.Value); {
	case err != nil && (p.value.Tag == intTag || p.value.Tag == floatTag):
		d.report(p.value, f.Key+" has no unit", v.want(f), "")
	case err != nil || !written:
		d.report(p.value, f.Key+" is not a duration", v.want(f), "")
	case !within(f.Field, t.Seconds()):
		d.report(p.value, f.Key+" is out of range", v.want(f), "")
	default:
		*v = duration(t.Seconds())
	}
}

// spell writes seconds as a scenario would.
func spell(seconds float64) string {
	text := time.Duration(seconds * float64(time.Second)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// A bound is one side of a claimed range, such as ">= 1.4".
type bound struct {
	Op    string  // ">=" or "<="
	Ratio float64 // > 0
}

var boundText = regexp.MustCompile(`^(>=|<=) *([0-9]+(?:\.[0-9]+)?)$`)

func (bound) want(field) string {
	return `">= R" or "<= R" in quotes with a decimal number R from 0.001 to 1000`
}

func (v *bound) decode(d *decoder, p pair, f field) {
	if p.value.Kind != yaml.ScalarNode || p.value.Tag != textTag {
		d.kind(p, f.Key, v.want(f))
		return
	}
	m := boundText.FindStringSubmatch(p.value.Value)
	if m == nil {
		d.report(p.value, f.Key+" is not a bound", v.want(f), "")
		return
	}
	r, err := strconv.ParseFloat(m[2], 64)
	if err != nil || math.IsInf(r, 0) || r < 0.001 || r > 1000 {
		d.report(p.value, f.Key+" is out of range", v.want(f), "")
		return
	}
	*v = bound{Op: m[1], Ratio: r}
}

// exact says that outputs are compared bit by bit; 0 says so, too, as it does
// for the tolerances of other checks.
type exact struct{}

func (exact) want(field) string { return "exact" }

func (v *exact) decode(d *decoder, p pair, f field) {
	switch n := p.value; {
	case n.Kind != yaml.ScalarNode || n.Tag != textTag && n.Tag != intTag:
		d.kind(p, f.Key, v.want(f))
	case n.Value != "exact" && n.Value != "0":
		d.unknown(n, "no tolerance of "+f.Key, []string{"exact"})
	}
}

// needs is what a machine must have: one of protocol.Needs, a number of
// accelerators, or a list.
type needs []string

// needWords are the needs as messages list them.
func needWords() []string { return append(protocol.Needs(), "2 devices") }

func (needs) want(field) string { return oneOf(needWords()) + " (up to 64), or a list of them" }

func (v *needs) decode(d *decoder, p pair, f field) {
	items := []*yaml.Node{p.value}
	if p.value.Kind == yaml.SequenceNode {
		items = d.list(p, f.Key, "a list with at least one of "+strings.Join(needWords(), ", ")+" (up to 64)")
	}
	first := make(map[string]int)
	for _, n := range items {
		switch {
		case refused(n):
		case n.Kind != yaml.ScalarNode || n.Tag != textTag:
			d.kind(pair{key: p.key, value: n}, f.Key, v.want(f))
		case !isNeed(n.Value):
			d.report(n, "no such need", v.want(f), nearest.Name(n.Value, needWords()))
		default:
			*v = append(*v, n.Value)
			d.once(n, n.Value, f.Key, first)
		}
	}
}

func isNeed(word string) bool {
	_, several := protocol.DevicesNeeded(word)
	return several || slices.Contains(protocol.Needs(), word)
}
