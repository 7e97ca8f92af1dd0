package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
)

// Names of arms.
const (
	Base   = "base"
	Head   = "head"
	Again  = "base-again"
	Canary = "canary"
	Anchor = "anchor"
)

// Names that arms have for builds. That of head is the plain one.
const (
	HeadWorker   = "lens"
	BaseWorker   = "lens-base"
	AnchorWorker = "lens-anchor"
)

// DefaultDelay is what the canary is slower by, in per cent.
const DefaultDelay = 3

// Level is that of the gate: the probability that a night flags anything that did not
// change.
const Level = 0.01

// ConfirmLevel is that of a replication, which is of flagged metrics alone.
const ConfirmLevel = 0.05

// Options say what cells are made of.
type Options struct {
	Delay  float64 // per cent, planted in the canary; 0: DefaultDelay
	Anchor bool    // there is an anchor
}

// Cells are the work of lens in cells of scenarios, each piece once, as cells that
// compare builds. What is left out is told, with the reason.
//
// Checks of outputs stay, head's against base's, but for those that train networks
// anew: they would take longer than everything else.
func Cells(cells []record.Cell, o Options) (out []record.Cell, leftOut []string) {
	if o.Delay == 0 {
		o.Delay = DefaultDelay
	}
	seen := map[string]string{}
	for _, c := range cells {
		for _, a := range c.Arms {
			name := record.Name(c.Scenario, c.Point) + " " + a.Name
			switch before := seen[work(a)]; {
			case a.Worker != HeadWorker:
				leftOut = append(leftOut, fmt.Sprintf("%s: is not lens's, but %s's", name, a.Worker))
			case a.Settings.Kind == "null":
				leftOut = append(leftOut, name+": is no work, so no slowdown of it can be planted")
			case before != "":
				leftOut = append(leftOut, fmt.Sprintf("%s: is the same work as %s", name, before))
			default:
				seen[work(a)] = name
				out = append(out, cell(c, a, o))
			}
		}
	}
	return out, leftOut
}

// work is what an arm does, whatever it is called. How long it is measured is not part
// of it.
func work(a record.Arm) string { return a.Settings.Hash() }

// cell compares builds at the work of one arm.
func cell(c record.Cell, a record.Arm, o Options) record.Cell {
	point := maps.Clone(c.Point)
	if point == nil {
		point = map[string]string{}
	}
	point["arm"] = a.Name
	slow := a.Settings
	slow.Delay = o.Delay
	arm := func(name, worker string, s protocol.Settings) record.Arm {
		return record.Arm{Name: name, Worker: worker, Settings: s, Needs: a.Needs}
	}
	g := record.Cell{Scenario: c.Scenario, Title: c.Title, Point: point, Measure: record.Alone(c.Measure), Plan: Fixed(c.Plan),
		Arms: []record.Arm{
			arm(Base, BaseWorker, a.Settings),
			arm(Head, HeadWorker, a.Settings),
			arm(Again, BaseWorker, a.Settings),
			arm(Canary, HeadWorker, slow),
		}}
	if o.Anchor {
		g.Arms = append(g.Arms, arm(Anchor, AnchorWorker, a.Settings))
	}
	if c.Equal != nil && c.Equal.Rule != record.RuleSeedBand {
		g.Equal = c.Equal
	}
	g.ID = identify(c.Scenario, point, a.Settings)
	return g
}

// identify hashes what is compared, but not with what: nights with and without an
// anchor are of one cell.
func identify(scenario string, point map[string]string, s protocol.Settings) string {
	b, err := json.Marshal(struct {
		Gate     string
		Point    map[string]string
		Settings protocol.Settings
	}{scenario, point, s})
	if err != nil {
		panic(err) // plain fields always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// mostRestarts is what a cell of a night may have. It takes as many only if it scatters
// too much for an earlier look, or if something in it has changed.
const mostRestarts = 36

// Budget is how many restarts a cell may have whose scenario plans so many, in a family
// of n comparisons.
func Budget(planned, n int) int { return max(planned, FewestRestarts(n), mostRestarts) }

// FewestRestarts is how many restarts a cell needs, at the least, for the gate to be
// able to flag anything in a family of n comparisons. With R restarts no p is below
// 2^(1−R), and the largest statistic of n reaches its most with probability up to
// 1 − (1 − 2^(1−R))^n.
func FewestRestarts(n int) int {
	restarts := 8
	for 1-math.Pow(1-math.Ldexp(1, 1-restarts), float64(n)) >= Level/2 {
		restarts++
	}
	return restarts
}

// Comparisons counts those of head with base that have a p.
func Comparisons(cells []record.Cell) (n int) {
	for _, c := range cells {
		n += len(slices.DeleteFunc(slices.Clone(c.Measure), record.OwnPass))
	}
	return n
}

// Only are the cells of those IDs.
func Only(cells []record.Cell, ids []string) []record.Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c record.Cell) bool { return !slices.Contains(ids, c.ID) })
}
