package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"lensbench/protocol"
	"lensbench/record"
)

// Defaults of a scenario's plan. 24 restarts of 40 pairs of 20 ms samples found
// +2 % with 80 to 100 % power on shared two-core machines.
const (
	defaultRestarts  = 24
	defaultBlocks    = 40
	defaultWarmup    = 3     // iterations
	defaultSample    = 0.020 // s
	defaultTimeLimit = 120   // s
)

// Expand lays the matrix of a scenario out into cells with resolved settings,
// the last axis varying fastest. The same file always gives the same cells.
func Expand(s Scenario) []record.Cell {
	var cells []record.Cell
	for _, at := range s.doc.combinations() {
		cells = append(cells, s.cell(at))
	}
	return cells
}

// combinations lists one value per axis, in all ways; a single empty list
// without a matrix.
func (doc *document) combinations() []settings {
	out := []settings{nil}
	for _, a := range doc.Matrix {
		var next []settings
		for _, prefix := range out {
			for _, v := range a.values {
				one := setting{field: a.field, value: v.value}
				next = append(next, append(prefix[:len(prefix):len(prefix)], one))
			}
		}
		out = next
	}
	return out
}

// cell is the scenario at one combination of the matrix.
func (s Scenario) cell(at settings) record.Cell {
	c := record.Cell{Scenario: s.Name, Title: s.Title, Claim: s.Claim, Measure: s.doc.metrics(), Profile: s.doc.Profile, Plan: s.doc.Plan.resolve()}
	for _, one := range at {
		if c.Point == nil {
			c.Point = make(map[string]string)
		}
		c.Point[one.field.Key] = textOf(one.value)
	}
	for _, v := range s.doc.arms() {
		c.Arms = append(c.Arms, s.doc.arm(v, at))
	}
	if s.decidedBy(c.Point) {
		c.Decides = s.doc.Decides.variant
		for _, e := range s.doc.Expect {
			c.Expect = append(c.Expect, record.Expect{Metric: e.Metric, Op: e.Ratio.Op, Ratio: e.Ratio.Ratio})
		}
	}
	if s.doc.Check != nil {
		c.Equal = s.doc.Check.equal()
	}
	c.ID = identify(c)
	return c
}

// arm resolves the settings of one arm at a combination of the matrix.
func (doc *document) arm(v variant, at settings) record.Arm {
	var set protocol.Settings
	doc.Workload.apply(&set)
	at.apply(&set)
	v.Set.apply(&set)
	return record.Arm{Name: v.Name, Worker: v.worker(), Settings: set, Needs: v.Needs, Single: v.Single}
}

// decidedBy says whether the cell at a point decides the scenario's claim.
func (s Scenario) decidedBy(at map[string]string) bool {
	if s.Claim == nil {
		return false
	}
	chosen := maps.Clone(at)
	for _, c := range s.doc.Decides.cell {
		chosen[c.axis] = c.text
	}
	return maps.Equal(chosen, at)
}

// Twins returns the cell that sets the control of c beside itself, and measures
// the times that c does. Whatever differs between the two arms is the
// instrument's doing. Claim and check are c's own affair and are left out. With a
// delay, in per cent, a third arm has a slowdown planted, which is to be found.
func Twins(c record.Cell, delay float64) record.Cell {
	control := c.Arms[0]
	control.Single = "" // an arm that is not here
	again := control
	again.Name = "again"
	out := record.Cell{Scenario: c.Scenario, Title: "Calibration: " + control.Name + " against itself", Point: c.Point,
		Arms: []record.Arm{control, again}, Plan: c.Plan}
	if delay > 0 {
		planted := control
		planted.Name, planted.Settings.Delay = "planted", delay
		out.Arms = append(out.Arms, planted)
	}
	out.Measure = record.Alone(slices.DeleteFunc(slices.Clone(c.Measure), record.OwnPass))
	out.ID = identify(out)
	return out
}

// identify hashes what a cell runs: its scenario, and worker and settings of
// each arm. Title, plan and claim may change without making it another cell.
func identify(c record.Cell) string {
	type arm struct {
		Name, Worker string
		Settings     protocol.Settings
	}
	what := struct {
		Scenario string
		Arms     []arm
	}{Scenario: c.Scenario}
	for _, a := range c.Arms {
		what.Arms = append(what.Arms, arm{a.Name, a.Worker, a.Settings})
	}
	b, err := json.Marshal(what)
	if err != nil {
		panic(err) // a struct of plain fields always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// resolve fills in the defaults.
func (p plan) resolve() record.Plan {
	restarts := defaultRestarts
	if n := len(p.Looks); n > 0 {
		restarts = p.Looks[n-1]
	}
	return record.Plan{
		Restarts:      or(p.Restarts, restarts),
		Looks:         p.Looks,
		Blocks:        or(p.Blocks, defaultBlocks),
		Warmup:        or(p.Warmup, defaultWarmup),
		SampleSeconds: float64(or(p.Sample, defaultSample)),
		TimeLimit:     float64(or(p.TimeLimit, defaultTimeLimit)),
	}
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}
